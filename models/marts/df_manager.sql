with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

sessions as (

    select * from {{ ref('stg_lake__behavior') }}

),

decisions as (

    select * from {{ ref('int_walk') }}
    where scenario = 'tonight' and not_decided_because is null

),

published as (

    select * from {{ ref('stg_lake__decisions') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

directives as (

    select * from {{ ref('int_sessions__directives') }}

),

history_read as (

    select * from {{ ref('int_decisions__history_read') }}

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

looked_at as (

    select * from {{ ref('int_curricula__measures') }}

),

told as (

    select * from {{ ref('int_sessions__told') }}

),

enrolled as (

    select * from {{ ref('int_decisions__enrolled') }}

),

reopened as (

    select * from {{ ref('int_decisions__reopened') }}

),

policies as (

    select * from {{ ref('int_decisions__policies') }}
    where scenario = 'tonight'

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

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
        sessions.finished_trials,
        sessions.foraging_efficiency,
        suggested.stage as current_stage_suggested,
        actual.stage as current_stage_actual,
        {{ decision_of('decisions', 'rules') }} as decision,
        next.stage as next_stage_suggested,
        policies.next_parameters,
        reported.stage is not null as if_closed_loop,
        reported.stage is not null and actual.stage <> suggested.stage as if_overriden_by_trainer,
        {{ trainer_chose('sessions.reported_override', 'reported.stage', 'told.told_stage') }} as trainer_chose,
        rules.rule_number as matched_rule,
        {{ measures_read('looked_at', 'measures') }} as measures_read,
        case
            when directives.directive is not null then directives.directive_kind
            when decisions.is_first and decisions.suggested_stage_key = directives.enrol_stage_key then 'enrol'
        end as directive_kind,
        coalesce(
            directives.directive,
            case
                when decisions.is_first and decisions.suggested_stage_key = directives.enrol_stage_key
                    then directives.enrolment
            end
        ) as directive,
        reopened.decided_anew_because,
        case when decisions.is_newest then {{ own_fingerprint('sessions') }} || ' ' || history_read.history end
            as inputs_read
    from decisions
    inner join sessions on decisions.session_key = sessions.session_key
    left join measures on decisions.session_key = measures.session_key
    inner join stages as suggested on decisions.suggested_stage_key = suggested.stage_key
    inner join stages as actual on decisions.actual_stage_key = actual.stage_key
    inner join stages as next on decisions.next_stage_key = next.stage_key
    left join stages as reported
        on sessions.reported_stage = reported.stage and not coalesce(sessions.is_stage_of_another_task, false)
    left join rules on decisions.rule_key = rules.rule_key
    left join looked_at on measures.curriculum_key = looked_at.curriculum_key and actual.stage = looked_at.stage
    left join reopened on sessions.subject_id = reopened.subject_id and sessions.session = reopened.session
    left join told on decisions.session_key = told.session_key
    left join history_read on decisions.session_key = history_read.session_key
    left join directives on decisions.session_key = directives.session_key
    left join policies on decisions.session_key = policies.session_key

),

decided_or_enrolled as (

    select * from decided

    union all by name

    select * from enrolled

),

-- an unchanged decision keeps its first run
first_published as (

    select
        decided_or_enrolled.*,
        coalesce(published.run_id, run.run_id) as run_id,
        coalesce(published.first_published_at, run.started_at) as first_published_at
    from decided_or_enrolled
    cross join run
    left join published
        on
            decided_or_enrolled.subject_id = published.subject_id
            and decided_or_enrolled.session = published.session
            {%- for column in df_manager_columns('logged') if column not in ('run_id', 'first_published_at') %}
            and decided_or_enrolled.{{ column }} is not distinct from published.{{ column }}
            {%- endfor %}

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

    select * from first_published

)

select * from final
