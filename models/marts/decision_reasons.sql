{{ config(materialized='view') }}

with

comparisons as (

    select * from {{ ref('int_decisions__comparisons') }}

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

alternatives as (

    select
        *,
        bool_and(is_met) over (partition by subject_id, session, nth_newest, rule_key, alternative) as is_alternative_met
    from comparisons

),

met as (

    select
        *,
        bool_or(is_alternative_met) over (partition by subject_id, session, nth_newest, rule_key) as is_rule_met
    from alternatives

),

final as (

    select
        met.subject_id,
        met.session,
        met.nth_newest,
        met.rule_number,
        rules.decision as rule_decision,
        rules.to_stage as rule_to_stage,
        rules.to_stage_called as rule_to_stage_called,
        rules.condition as rule_condition,
        met.alternative,
        met.comparison_number,
        met.measure,
        met.measure_in_words,
        met.measured,
        met.measured_now,
        met.parts,
        met.operator,
        met.threshold,
        met.is_met,
        case
            when met.operator in ('>=', '>') then met.measured - met.threshold
            when met.operator in ('<=', '<') then met.threshold - met.measured
            when met.operator = '==' then -abs(met.measured - met.threshold)
            else abs(met.measured - met.threshold)
        end as margin,
        met.is_alternative_met,
        met.is_rule_met,
        coalesce(met.rule_number = df_manager.matched_rule, false) as is_deciding_rule
    from met
    inner join df_manager on met.subject_id = df_manager.subject_id and met.session = df_manager.session
    inner join rules on met.rule_key = rules.rule_key

)

select * from final
