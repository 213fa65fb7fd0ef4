with

df_manager as (

    select * from {{ ref('df_manager') }}

),

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

quarantine as (

    select * from {{ ref('quarantine') }}

),

set_aside_reasons as (

    select * from {{ ref('set_aside_reasons') }}

),

lacking as (

    select * from {{ ref('int_sessions__lacking') }}

),

told as (

    select * from {{ ref('told') }}

),

drift as (

    select * from {{ ref('decision_drift') }}
    where matters_for_tomorrow

),

stage_parameters as (

    select distinct
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        stage
    from {{ ref('stage_parameters') }}

),

ends as (

    select * from {{ ref('int_curricula__ends') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

-- SEMANTICS 32: what left, or was absent longer than the limit, needs nobody
mice as (

    select * from {{ ref('int_mice') }}
    where is_here

),

newest as (

    select
        mice.trainer,
        mice.newest_row,
        df_manager.*
    from mice
    inner join df_manager on mice.subject_id = df_manager.subject_id and mice.newest_decided = df_manager.session

),

newest_rows as (

    select
        behavior.session_key,
        behavior.subject_id,
        behavior.session,
        behavior.session_date
    from behavior
    semi join mice on behavior.session_key = mice.newest_row

),

directives as (

    select directives.* from {{ ref('stg_people__directives') }} as directives
    semi join mice on directives.subject_id = mice.subject_id
    where not directives.is_over

),

-- the first of the sessions in a row at the stage of the newest
came_to_stage as (

    select
        subject_id,
        -- missing where that session has no date
        arg_max_null(session_date, session) as since
    from df_manager
    where session_at_current_stage = 1
    group by subject_id

),

lately as (

    select
        df_manager.subject_id,
        df_manager.session_date,
        df_manager.decision,
        df_manager.if_closed_loop,
        df_manager.trainer_chose,
        row_number() over (partition by df_manager.subject_id order by df_manager.session desc) as place
    from df_manager
    semi join newest on df_manager.subject_id = newest.subject_id
    qualify place <= 10

),

in_loops as (

    select
        *,
        min(place) filter (where if_closed_loop) over (partition by subject_id) - 1 as newest_in_open_loop
    from lately

),

counted as (

    select
        subject_id,
        count(*) filter (where decision = 'ROLLBACK') as rollbacks,
        min(session_date) filter (where decision = 'ROLLBACK') as first_rollback,
        count(*) filter (where trainer_chose) as choices,
        min(session_date) filter (where trainer_chose) as first_choice,
        any_value(newest_in_open_loop) as sessions_in_open_loop,
        min(session_date) filter (where place <= newest_in_open_loop) as first_in_open_loop
    from in_loops
    group by subject_id

),

-- the last day before the training day on which anybody ran
last_day as (

    select max(behavior.session_date) as session_date
    from behavior
    cross join run
    where behavior.session_date < run.training_day

),

expected as (

    select
        mice.subject_id,
        mice.trainer,
        coalesce(mice.last_seen >= last_day.session_date, false) as has_run,
        last_day.session_date,
        count(*) over (partition by mice.trainer) as mice_of_trainer,
        count(*) filter (where mice.last_seen >= last_day.session_date) over (partition by mice.trainer) as have_run
    from mice
    cross join last_day
    where mice.trainer is not null and mice.newest_decided is not null

),

newest_of_rigs as (

    select
        sessions.rig,
        sessions.session_date,
        lacking.metrics_missing
    from sessions
    cross join run
    left join lacking on sessions.session_key = lacking.session_key
    where
        sessions.rig is not null
        and sessions.session_date between run.training_day - {{ var('attention_forgets_after_days') }} and run.training_day
    qualify row_number() over (
        partition by sessions.rig order by sessions.session_date desc, sessions.subject_id asc
    ) <= {{ var('attention_sessions_of_rig') }}

),

reasons as (

    select
        subject_id,
        'held' as reason,
        valid_from as since,
        words as details
    from directives
    where is_in_force and applied_as in ('hold', 'pin') and problem is null

    union all by name

    select
        directives.subject_id,
        'directive_ends' as reason,
        directives.valid_from as since,
        'for the last time on ' || directives.valid_until || ': ' || directives.words as details
    from directives
    cross join run
    where
        directives.is_in_force
        and directives.applied_as in ('hold', 'pin')
        and directives.valid_until = run.tomorrow

    union all by name

    select
        subject_id,
        'directive_problem' as reason,
        problem_in_words as details
    from directives
    where problem is not null

    union all by name

    -- a pin to a stage that the curriculum of the mouse lacks
    select
        newest.subject_id,
        'directive_problem' as reason,
        newest.directive as details
    from newest
    inner join directives
        on
            newest.subject_id = directives.subject_id
            and directives.is_in_force
            and directives.applied_as = 'pin'
            and newest.directive_kind = 'hold'

    union all by name

    select
        newest_rows.subject_id,
        case quarantine.reason when 'session_counter_restarted' then 'counter_restarted' else 'newest_set_aside' end
            as reason,
        newest_rows.session_date as since,
        'session ' || coalesce(cast(newest_rows.session as varchar), 'without a number') || ': '
        || set_aside_reasons.words as details
    from newest_rows
    inner join quarantine on newest_rows.session_key = quarantine.session_key
    inner join set_aside_reasons on quarantine.reason = set_aside_reasons.reason
    -- of a session that came twice one row counts, and who took a mouse off curriculum knows it
    where quarantine.reason not in ('session_twice', 'off_by_directive')

    union all by name

    select
        newest_rows.subject_id,
        'counter_restarted' as reason,
        newest_rows.session_date as since,
        'session ' || newest_rows.session || ' on ' || newest_rows.session_date || ', after session '
        || max(behavior.session) as details
    from newest_rows
    inner join behavior
        on
            newest_rows.subject_id = behavior.subject_id
            and newest_rows.session < behavior.session
            and newest_rows.session_date - behavior.session_date > 3
    anti join quarantine on newest_rows.session_key = quarantine.session_key
    group by
        newest_rows.subject_id,
        newest_rows.session,
        newest_rows.session_date

    union all by name

    select
        newest_rows.subject_id,
        'without_metrics' as reason,
        newest_rows.session_date as since,
        'session ' || newest_rows.session || ' has no ' || array_to_string(lacking.metrics_missing, ', ') as details
    from newest_rows
    inner join lacking on newest_rows.session_key = lacking.session_key

    union all by name

    select
        newest.subject_id,
        'went_open_loop' as reason,
        counted.first_in_open_loop as since,
        'the rig reports no stage in the newest ' || counted.sessions_in_open_loop || ' sessions; before them it did'
            as details
    from newest
    inner join counted on newest.subject_id = counted.subject_id
    where counted.sessions_in_open_loop > 0

    union all by name

    select
        subject_id,
        'did_not_run' as reason,
        session_date as since,
        'no session on ' || session_date || ', when ' || have_run || ' of the other ' || (mice_of_trainer - 1)
        || ' mice of ' || trainer || ' ran' as details
    from expected
    where not has_run and have_run > (mice_of_trainer - 1) / 2 and have_run > 1

    union all by name

    select
        newest.subject_id,
        'stuck_in_stage' as reason,
        came_to_stage.since,
        session_at_current_stage || ' sessions in a row at ' || current_stage_actual as details
    from newest
    left join came_to_stage on newest.subject_id = came_to_stage.subject_id
    anti join ends
        on
            {{ same_curriculum('newest', 'ends') }}
            and newest.current_stage_actual = ends.stage
    where
        session_at_current_stage >= {{ var('attention_sessions_in_stage') }}
        and decision = 'STAY'
        and coalesce(directive_kind, 'enrol') = 'enrol'

    union all by name

    select
        subject_id,
        'bouncing' as reason,
        first_rollback as since,
        rollbacks || ' rollbacks in the last 10 sessions' as details
    from counted
    where rollbacks >= {{ var('attention_rollbacks') }}

    union all by name

    select
        newest.subject_id,
        'stage_without_parameters' as reason,
        newest.session_date as since,
        newest.curriculum_name || ' ' || newest.curriculum_version || ' has no parameters for '
        || newest.next_stage_suggested as details
    from newest
    anti join stage_parameters
        on
            {{ same_curriculum('newest', 'stage_parameters') }}
            and newest.next_stage_suggested = stage_parameters.stage

    union all by name

    select
        drift.subject_id,
        'drift' as reason,
        'data changed after it was decided: tomorrow would be '
        || coalesce(max(drift.stage_tomorrow_now), 'not decided') || ', not ' || max(drift.stage_tomorrow) as details
    from drift
    semi join newest on drift.subject_id = newest.subject_id
    group by drift.subject_id

    union all by name

    select
        subject_id,
        'overridden' as reason,
        first_choice as since,
        choices || ' times in the last 10 sessions a trainer chose the stage' as details
    from counted
    where choices >= {{ var('attention_overrides') }}

    union all by name

    select
        newest.subject_id,
        'applied_another_stage' as reason,
        newest.session_date as since,
        told.stage_told || ' was told, ' || told.stage_ran || ' ran, and the rig reports no choice of a trainer' as details
    from newest
    inner join told on newest.subject_id = told.subject_id and newest.session = told.session
    where not told.followed and not told.trainer_chose

    union all by name

    select
        rig,
        'values_missing' as reason,
        min(session_date) filter (where metrics_missing is not null) as since,
        count(metrics_missing) || ' of the newest ' || count(*) || ' sessions lack '
        || array_to_string(list_sort(list_distinct(flatten(list(metrics_missing)))), ', ') as details
    from newest_of_rigs
    group by rig
    having count(metrics_missing) > count(*) / 2 and count(metrics_missing) > 1

),

-- two lines about a mouse may both have a problem
final as (

    select
        subject_id,
        rig,
        reason,
        min(since) as since,
        string_agg(details, '; ' order by details) as details
    from reasons
    group by
        subject_id,
        rig,
        reason

)

select * from final
