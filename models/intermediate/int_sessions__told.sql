with

sessions as (

    select
        session_key,
        subject_id,
        session_date
    from {{ ref('stg_lake__sessions') }}
    where session_date is not null

),

publications as (

    select * from {{ ref('stg_lake__publications') }}
    where not is_tonight

),

told as (

    select * from {{ ref('stg_lake__told') }}

),

days as (

    select distinct session_date from sessions

),

-- what a rig could read on a day is the last publication whose training day is not after it
last_publications as (

    select
        days.session_date,
        max(publications.place) as place
    from days
    inner join publications on days.session_date >= publications.training_day
    group by days.session_date

),

placed as (

    select
        sessions.session_key,
        sessions.subject_id,
        last_publications.place
    from sessions
    inner join last_publications on sessions.session_date = last_publications.session_date

),

final as (

    select
        placed.session_key,
        publications.run_id,
        told.session as told_session,
        told.stage as told_stage
    from placed
    inner join publications on placed.place = publications.place
    asof left join told on placed.subject_id = told.subject_id and placed.place >= told.place

)

select * from final
