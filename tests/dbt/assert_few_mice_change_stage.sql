{{ config(
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 30',
    error_if='> ' ~ var('max_percent_changing_stage') ~ ' and count(*) >= ' ~ var('fewest_to_stop'),
    meta={
        'says': 'many mice change their stage in one night',
        'what_to_do': 'look at marts.next_session; if it is right, raise max_percent_changing_stage for one run',
    },
) }}
with

published as (

    select
        subject_id,
        max(session) as session,
        max_by(next_stage_suggested, session) as next_stage
    from {{ ref('stg_lake__decisions') }}
    group by subject_id

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

next_session as (

    select * from {{ ref('next_session') }}

),

-- after a pause a mouse has run several sessions, and its stage may well be another
in_one_night as (

    select
        published.subject_id,
        any_value(published.next_stage) as next_stage
    from published
    left join df_manager on published.subject_id = df_manager.subject_id and published.session < df_manager.session
    group by published.subject_id
    having count(df_manager.session) <= 1

),

changing as (

    select in_one_night.subject_id from in_one_night
    inner join next_session on in_one_night.subject_id = next_session.subject_id
    where in_one_night.next_stage <> next_session.next_stage_suggested

),

final as (

    select
        changing.subject_id,
        {{ percent_of('changing', 'in_one_night') }} as percent
    from changing

)

select * from final
