{{ config(
    meta={
        'says': 'decisions of this run that the rules, evaluated in SQL, do not explain',
        'what_to_do': 'nothing is published: this is a defect of auto_train; report it with marts.decision_reasons',
    },
) }}
with

decisions as (

    select * from {{ ref('int_walk') }}
    where scenario = 'tonight' and not_decided_because is null

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

sessions as (

    select
        session_key,
        subject_id,
        session
    from {{ ref('stg_lake__sessions') }}

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

-- few rows, and whole numbers to join on: a million decisions are checked in seconds
tried as (

    select
        rules.curriculum_key,
        stages.stage_key,
        rules.rule_key,
        rules.rule_number,
        comparisons.alternative,
        comparisons.measure,
        comparisons.operator,
        comparisons.threshold
    from {{ ref('int_curricula__comparisons') }} as comparisons
    inner join rules on comparisons.rule_key = rules.rule_key
    inner join {{ ref('training_stages') }} as stages on rules.stage = stages.stage
    where not stages.is_absorbing

),

valued as (

    select
        decisions.session_key,
        tried.*,
        {{ value_of_measure('tried.measure', 'measures', 'decisions.session_at_current_stage') }} as measured
    from decisions
    inner join measures on decisions.session_key = measures.session_key
    inner join tried
        on measures.curriculum_key = tried.curriculum_key and decisions.actual_stage_key = tried.stage_key

),

alternatives as (

    select
        session_key,
        rule_key,
        rule_number
    from valued
    group by session_key, rule_key, rule_number, alternative
    having bool_and({{ holds('measured', 'operator', 'threshold') }})

),

first_rules as (

    select
        session_key,
        min_by(rule_key, rule_number) as rule_key
    from alternatives
    group by session_key

),

expected as (

    select
        df_manager.subject_id,
        df_manager.session,
        df_manager.decision,
        df_manager.next_stage_suggested,
        df_manager.matched_rule,
        rules.rule_number as expected_rule,
        coalesce(rules.decision, 'STAY') as expected_decision,
        coalesce(rules.to_stage, df_manager.current_stage_actual) as expected_stage
    from decisions
    inner join sessions on decisions.session_key = sessions.session_key
    inner join df_manager on sessions.subject_id = df_manager.subject_id and sessions.session = df_manager.session
    left join first_rules on decisions.session_key = first_rules.session_key
    left join rules on first_rules.rule_key = rules.rule_key
    -- where somebody overruled the rules they explain nothing
    where df_manager.directive_kind is null or df_manager.directive_kind = 'enrol'

),

wrong_rules as (

    select
        subject_id,
        session,
        'rule ' || coalesce(cast(matched_rule as varchar), 'none')
        || ', not ' || coalesce(cast(expected_rule as varchar), 'none') as detail
    from expected
    where
        matched_rule is distinct from expected_rule
        or decision <> expected_decision
        or next_stage_suggested <> expected_stage

),

-- each parameter by itself, from the stage's name and the text that rigs read
new_parameters as (

    select parameters.* from {{ ref('int_decisions__parameters') }} as parameters
    semi join decisions on parameters.session_key = decisions.session_key

),

decided_now as (

    select sessions.* from sessions
    semi join decisions on sessions.session_key = decisions.session_key

),

explained as (

    select
        subject_id,
        session,
        count(*) as policies
    from new_parameters
    where computed is not null
    group by subject_id, session

),

wrong_parameters as (

    select
        subject_id,
        session,
        parameter || ' ' || coalesce(cast(given as varchar), 'none') || ', not '
        || coalesce(cast(computed as varchar), 'none') as detail
    from new_parameters
    where given is distinct from computed

    union all

    select
        df_manager.subject_id,
        df_manager.session,
        'parameters told: ' || coalesce(df_manager.next_parameters, 'none') || ', where policies of the stage give '
        || coalesce(explained.policies, 0) as detail
    from df_manager
    semi join decided_now on df_manager.subject_id = decided_now.subject_id and df_manager.session = decided_now.session
    left join explained on df_manager.subject_id = explained.subject_id and df_manager.session = explained.session
    where coalesce(len(json_keys(df_manager.next_parameters)), 0) <> coalesce(explained.policies, 0)

),

final as (

    select * from wrong_rules

    union all

    select * from wrong_parameters

)

select * from final
