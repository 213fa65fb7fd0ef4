with

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

told as (

    select * from {{ ref('int_sessions__told') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

newest as (

    select
        subject_id,
        max(session) as session,
        max_by(next_stage_suggested, session) as stage
    from {{ ref('df_manager') }}
    group by subject_id

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

final as (

    select
        sessions.subject_id,
        sessions.session_date,
        sessions.session,
        told.run_id,
        told.told_session,
        told.told_stage as stage_told,
        stages.stage as stage_ran,
        stages.stage = told.told_stage as followed,
        {{ trainer_chose('sessions.reported_override', 'stages.stage', 'told.told_stage') }} as trainer_chose
    from told
    inner join sessions on told.session_key = sessions.session_key
    left join stages
        on sessions.reported_stage = stages.stage and not coalesce(sessions.is_stage_of_another_task, false)

    union all by name

    -- what this run tells
    select
        newest.subject_id,
        run.training_day as session_date,
        cast(null as bigint) as session,
        run.run_id,
        newest.session as told_session,
        newest.stage as stage_told
    from newest
    cross join run

)

select * from final
