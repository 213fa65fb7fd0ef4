with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}
    where not_decided_because is null

),

rules as (

    select * from {{ ref('curriculum_rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

decided as (

    select
        sessions.session_key,
        sessions.subject_id,
        sessions.session_date,
        sessions.session,
        sessions.task,
        sessions.curriculum_name,
        sessions.curriculum_version,
        sessions.curriculum_schema_version,
        {{ curriculum_json_name('sessions') }} as curriculum_json_name,
        decisions.session_at_current_stage,
        sessions.foraging_efficiency,
        sessions.finished_trials,
        suggested.stage as current_stage_suggested,
        actual.stage as current_stage_actual,
        coalesce(rules.decision, 'STAY') as decision,
        coalesce(rules.to_stage, actual.stage) as next_stage_suggested,
        reported.stage is not null as if_closed_loop,
        reported.stage is not null and actual.stage <> suggested.stage as if_overriden_by_trainer,
        rules.rule_number as matched_rule
    from decisions
    inner join sessions on decisions.session_key = sessions.session_key
    inner join stages as suggested on decisions.suggested_stage_key = suggested.stage_key
    inner join stages as actual on decisions.actual_stage_key = actual.stage_key
    left join stages as reported on sessions.reported_stage = reported.stage
    left join rules on decisions.rule_key = rules.rule_key

),

decisions_of_both as (

    select * exclude (inputs_read) from standing

    union all by name

    select * exclude (session_key) from decided

),

newest as (

    select
        subject_id,
        max(session) as session
    from decisions_of_both
    group by subject_id

),

newest_decided as (

    select decided.* from decided
    semi join newest on decided.subject_id = newest.subject_id and decided.session = newest.session

),

-- what the decision of a newest session read: its own row, then the history as far as any rule looks back. session_key
-- runs in order of subject and session, so the history is the rows before
inputs_read as (

    select
        newest_decided.subject_id,
        newest_decided.session,
        concat_ws(
            ' ',
            any_value({{ own_fingerprint('history') }}) filter (where history.session = newest_decided.session),
            string_agg(history.session || ':' || {{ history_fingerprint('history') }}, ' ' order by history.session)
        ) as inputs_read
    from newest_decided
    cross join unnest(range(0, {{ longest_window() }})) as steps (back)
    inner join sessions as history
        on
            newest_decided.session_key - steps.back = history.session_key
            and newest_decided.subject_id = history.subject_id
    group by newest_decided.subject_id, newest_decided.session

    union all by name

    select
        standing.subject_id,
        standing.session,
        standing.inputs_read
    from standing
    semi join newest on standing.subject_id = newest.subject_id and standing.session = newest.session
    where standing.inputs_read is not null

),

final as (

    select
        decisions_of_both.subject_id,
        decisions_of_both.session_date,
        decisions_of_both.session,
        decisions_of_both.task,
        decisions_of_both.curriculum_name,
        decisions_of_both.curriculum_version,
        decisions_of_both.curriculum_schema_version,
        decisions_of_both.curriculum_json_name,
        cast(decisions_of_both.session_at_current_stage as bigint) as session_at_current_stage,
        decisions_of_both.foraging_efficiency,
        decisions_of_both.finished_trials,
        decisions_of_both.current_stage_suggested,
        decisions_of_both.current_stage_actual,
        decisions_of_both.decision,
        decisions_of_both.next_stage_suggested,
        decisions_of_both.if_closed_loop,
        decisions_of_both.if_overriden_by_trainer,
        decisions_of_both.matched_rule,
        inputs_read.inputs_read
    from decisions_of_both
    left join inputs_read
        on
            decisions_of_both.subject_id = inputs_read.subject_id
            and decisions_of_both.session = inputs_read.session

)

select * from final
