with

df_manager as (

    select * from {{ ref('df_manager') }}
    -- a mouse that has not run yet is at no stage
    where session_at_current_stage is distinct from 0

),

sessions as (

    select
        subject_id,
        session,
        trainer
    from {{ ref('stg_lake__sessions') }}
    where trainer is not null

),

ends as (

    select * from {{ ref('int_curricula__ends') }}
    where is_graduation

),

subjects as (

    select
        df_manager.subject_id,
        min(df_manager.session_date) as first_date,
        list_sort(list(df_manager.session)) as decided_sessions,
        min(df_manager.session) filter (where ends.stage is not null) as graduating_session
    from df_manager
    left join ends
        on
            {{ same_curriculum('df_manager', 'ends') }}
            and df_manager.next_stage_suggested = ends.stage
    group by df_manager.subject_id

),

-- who ran most of the sessions at a stage
trainers as (

    select
        df_manager.subject_id,
        df_manager.current_stage_actual,
        mode(sessions.trainer order by sessions.trainer) as trainer
    from df_manager
    inner join sessions on df_manager.subject_id = sessions.subject_id and df_manager.session = sessions.session
    group by
        df_manager.subject_id,
        df_manager.current_stage_actual

),

stages as (

    select
        subject_id,
        current_stage_actual,
        count(*) as session_spent,
        min(session) as first_entry,
        max(session) as last_leave,
        max(session) - min(session) + 1 as session_spanned,
        count(*) filter (where decision = 'STAY') as "n_STAY",
        count(*) filter (where decision = 'PROGRESS') as "n_PROGRESS",
        count(*) filter (where decision = 'ROLLBACK') as "n_ROLLBACK",
        count(*) filter (where trainer_chose) as n_overridden,
        min(session_date) as first_date_at_stage,
        max_by(curriculum_name, session) as curriculum_name,
        max_by(curriculum_version, session) as curriculum_version
    from df_manager
    group by subject_id, current_stage_actual

),

final as (

    select
        stages.subject_id,
        stages.current_stage_actual,
        stages.session_spent,
        stages.first_entry,
        stages.last_leave,
        stages.session_spanned,
        stages."n_STAY",
        stages."n_PROGRESS",
        stages."n_ROLLBACK",
        stages.n_overridden,
        stages.n_overridden / stages.session_spent as override_rate,
        stages."n_ROLLBACK" / stages.session_spent as rollback_rate,
        cast(list_position(subjects.decided_sessions, stages.first_entry) - 1 as bigint) as sessions_to_stage,
        stages.first_date_at_stage - subjects.first_date as days_to_stage,
        cast(list_position(subjects.decided_sessions, subjects.graduating_session) as bigint) as sessions_to_graduation,
        stages.curriculum_name,
        stages.curriculum_version,
        trainers.trainer
    from stages
    inner join subjects on stages.subject_id = subjects.subject_id
    left join trainers
        on stages.subject_id = trainers.subject_id and stages.current_stage_actual = trainers.current_stage_actual

)

select * from final
