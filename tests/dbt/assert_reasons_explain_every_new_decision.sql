{{ config(
    meta={
        'says': 'decisions of this run that the rules, evaluated in SQL, do not explain',
        'what_to_do': 'nothing is published: this is a defect of auto_train; report it with marts.decision_reasons',
    },
) }}
with

decisions as (

    select session_key from {{ ref('int_decisions') }}
    where not_decided_because is null

),

comparisons as (

    select comparisons.* from {{ ref('int_decisions__comparisons') }} as comparisons
    semi join decisions on comparisons.session_key = decisions.session_key

),

df_manager as (

    select
        sessions.session_key,
        df_manager.*
    from {{ ref('df_manager') }} as df_manager
    inner join {{ ref('stg_lake__sessions') }} as sessions
        on df_manager.subject_id = sessions.subject_id and df_manager.session = sessions.session

),

rules as (

    select * from {{ ref('curriculum_rules') }}

),

alternatives as (

    select
        session_key,
        rule_key,
        rule_number
    from comparisons
    group by session_key, rule_key, rule_number, alternative
    having bool_and(is_met)

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
        df_manager.*,
        rules.rule_number as expected_rule,
        coalesce(rules.decision, 'STAY') as expected_decision,
        coalesce(rules.to_stage, df_manager.current_stage_actual) as expected_stage
    from df_manager
    semi join decisions on df_manager.session_key = decisions.session_key
    left join first_rules
        on df_manager.session_key = first_rules.session_key and df_manager.current_stage_actual <> 'GRADUATED'
    left join rules on first_rules.rule_key = rules.rule_key
    -- where somebody overruled the rules they explain nothing
    where df_manager.directive is null or df_manager.directive like 'enrol %'

),

final as (

    select
        subject_id,
        session,
        decision,
        next_stage_suggested,
        matched_rule,
        expected_decision,
        expected_stage,
        expected_rule
    from expected
    where
        matched_rule is distinct from expected_rule
        or decision <> expected_decision
        or next_stage_suggested <> expected_stage

)

select * from final
