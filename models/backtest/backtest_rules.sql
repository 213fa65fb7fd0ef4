with

decisions as (

    select * from {{ ref('backtest_decisions') }}

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

replayed as (

    select
        curriculum_key,
        stage,
        count(*) as sessions_at_stage
    from decisions
    group by curriculum_key, stage

),

fired as (

    select
        rule_key,
        count(*) as times
    from decisions
    where rule_key is not null
    group by rule_key

),

-- what trainers thought of a rule: did the next session run the stage that it led to?
followed as (

    select
        *,
        lead(trainer_chose) over (partition by subject_id order by session) as is_overridden_next
    from df_manager

),

overridden as (

    select
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        current_stage_actual as stage,
        matched_rule as rule_number,
        count(*) as times,
        count(*) filter (where is_overridden_next) as times_overridden
    from followed
    where matched_rule is not null
    group by all

),

final as (

    select
        curricula.curriculum_name,
        curricula.curriculum_version,
        curricula.curriculum_schema_version,
        rules.stage,
        rules.rule_number,
        rules.decision,
        rules.to_stage,
        rules.condition,
        coalesce(replayed.sessions_at_stage, 0) as sessions_at_stage,
        coalesce(fired.times, 0) as times_fired,
        coalesce(fired.times, 0) / replayed.sessions_at_stage as fire_rate,
        coalesce(overridden.times, 0) as times_fired_in_reality,
        coalesce(overridden.times_overridden, 0) as times_overridden
    from rules
    inner join curricula on rules.curriculum_key = curricula.curriculum_key
    left join replayed on rules.curriculum_key = replayed.curriculum_key and rules.stage = replayed.stage
    left join fired on rules.rule_key = fired.rule_key
    left join overridden
        on
            {{ same_curriculum('curricula', 'overridden') }}
            and rules.stage = overridden.stage
            and rules.rule_number = overridden.rule_number

)

select * from final
