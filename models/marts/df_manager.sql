with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

sessions as (

    select
        rowid as session_key,
        *
    from {{ ref('stg_lake__behavior') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}
    where not_decided_because is null

),

history_read as (

    select * from {{ ref('int_decisions__history_read') }}

),

rules as (

    select * from {{ ref('curriculum_rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

decided as (

    select
        sessions.subject_id,
        sessions.session_date,
        sessions.session,
        sessions.task,
        sessions.curriculum_name,
        sessions.curriculum_version,
        sessions.curriculum_schema_version,
        cast(decisions.session_at_current_stage as bigint) as session_at_current_stage,
        sessions.foraging_efficiency,
        sessions.finished_trials,
        suggested.stage as current_stage_suggested,
        actual.stage as current_stage_actual,
        coalesce(rules.decision, 'STAY') as decision,
        coalesce(rules.to_stage, actual.stage) as next_stage_suggested,
        reported.stage is not null as if_closed_loop,
        reported.stage is not null and actual.stage <> suggested.stage as if_overriden_by_trainer,
        rules.rule_number as matched_rule,
        case when decisions.is_newest then {{ own_fingerprint('sessions') }} || ' ' || history_read.history end
            as inputs_read
    from decisions
    inner join sessions on decisions.session_key = sessions.session_key
    inner join stages as suggested on decisions.suggested_stage_key = suggested.stage_key
    inner join stages as actual on decisions.actual_stage_key = actual.stage_key
    left join stages as reported on sessions.reported_stage = reported.stage
    left join rules on decisions.rule_key = rules.rule_key
    left join history_read on decisions.session_key = history_read.session_key

),

-- only a subject's newest decision is provisional, so only it keeps the record of what it read
superseded as (

    select standing.subject_id from standing
    inner join decided on standing.subject_id = decided.subject_id and standing.session < decided.session
    where standing.inputs_read is not null
    group by standing.subject_id

),

final as (

    select
        standing.* exclude (inputs_read),
        case when superseded.subject_id is null then standing.inputs_read end as inputs_read
    from standing
    left join superseded on standing.subject_id = superseded.subject_id

    union all by name

    select * from decided

)

select * from final
