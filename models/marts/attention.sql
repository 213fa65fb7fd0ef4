with

df_manager as (

    select * from {{ ref('df_manager') }}

),

sessions as (

    select
        subject_id,
        session,
        reported_override
    from {{ ref('stg_lake__sessions') }}

),

drift as (

    select * from {{ ref('decision_drift') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

newest as (

    select
        subject_id,
        max(session) as session,
        count(*) as decided,
        bool_or(next_stage_suggested = 'GRADUATED') as has_graduated
    from df_manager
    group by subject_id

),

-- mice without a session for attention_forgets_after_days are taken to have left
active as (

    select
        df_manager.*,
        newest.decided,
        newest.has_graduated,
        run.training_day - df_manager.session_date as days_ago
    from newest
    inner join df_manager on newest.subject_id = df_manager.subject_id and newest.session = df_manager.session
    cross join run
    where
        df_manager.session_date is null
        or run.training_day - df_manager.session_date <= {{ var('attention_forgets_after_days') }}

),

lately as (

    select
        df_manager.subject_id,
        df_manager.decision,
        df_manager.if_overriden_by_trainer
    from df_manager
    semi join active on df_manager.subject_id = active.subject_id
    qualify row_number() over (partition by df_manager.subject_id order by df_manager.session desc) <= 10

),

counted as (

    select
        subject_id,
        count(*) filter (where decision = 'ROLLBACK') as rollbacks,
        count(*) filter (where if_overriden_by_trainer) as overrides
    from lately
    group by subject_id

),

-- the library is in order of versions, and the key counts in that order
newest_versions as (

    select
        curriculum_name,
        max_by(curriculum_version, curriculum_key) as curriculum_version
    from curricula
    group by curriculum_name

),

reasons as (

    select
        subject_id,
        'stuck_in_stage' as reason,
        session_at_current_stage || ' sessions in a row at ' || current_stage_actual as details
    from active
    where
        session_at_current_stage >= {{ var('attention_sessions_in_stage') }}
        and current_stage_actual <> 'GRADUATED'
        and decision = 'STAY'

    union all by name

    select
        subject_id,
        'not_graduated' as reason,
        decided || ' sessions without graduating' as details
    from active
    where decided >= {{ var('attention_sessions_to_graduate') }} and not has_graduated

    union all by name

    select
        counted.subject_id,
        'bouncing' as reason,
        counted.rollbacks || ' rollbacks in the last 10 sessions' as details
    from counted
    where counted.rollbacks >= {{ var('attention_rollbacks') }}

    union all by name

    select
        counted.subject_id,
        'overridden' as reason,
        counted.overrides || ' overrides by a trainer in the last 10 sessions' as details
    from counted
    where counted.overrides >= {{ var('attention_overrides') }}

    union all by name

    select
        subject_id,
        'no_session' as reason,
        'no session for ' || days_ago || ' days' as details
    from active
    where days_ago > {{ var('attention_days_without_session') }}

    union all by name

    select
        active.subject_id,
        'old_version' as reason,
        active.curriculum_name || ' ' || active.curriculum_version || ', the newest is '
        || newest_versions.curriculum_version as details
    from active
    inner join newest_versions on active.curriculum_name = newest_versions.curriculum_name
    where active.curriculum_version <> newest_versions.curriculum_version

    union all by name

    select
        active.subject_id,
        'drift' as reason,
        'data changed after it was decided: tomorrow would be ' || max(drift.stage_tomorrow_now) || ', not '
        || max(drift.stage_tomorrow) as details
    from active
    inner join drift on active.subject_id = drift.subject_id
    where drift.matters_for_tomorrow
    group by active.subject_id

    union all by name

    select
        active.subject_id,
        'applied_another_stage' as reason,
        active.current_stage_suggested || ' was suggested, ' || active.current_stage_actual
        || ' ran, and the rig reports no override' as details
    from active
    inner join sessions on active.subject_id = sessions.subject_id and active.session = sessions.session
    where active.if_overriden_by_trainer and not coalesce(sessions.reported_override, false)

),

final as (

    select
        subject_id,
        reason,
        details
    from reasons

)

select * from final
