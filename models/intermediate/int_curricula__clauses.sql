{%- set measured = ['session_total', 'session_at_current_stage'] + measures() | selectattr('in_rules') | map(attribute='name') | list %}

with

conditions as (

    select * from {{ ref('curriculum_conditions') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

curricula as (

    select
        curriculum_key,
        task
    from {{ ref('int_curricula') }}

),

-- one row per clause with a bound per measure makes the join to sessions a plain filter
pivoted as (

    select
        curriculum,
        stage,
        rule_number,
        clause_number
        {%- for measure in measured %},
        max(lower_bound) filter (where measure = '{{ measure }}') as {{ measure }}__lower,
        max(upper_bound) filter (where measure = '{{ measure }}') as {{ measure }}__upper
        {%- endfor %}
    from conditions
    group by curriculum, stage, rule_number, clause_number

),

final as (

    select
        cast(row_number() over (order by rules.rule_key, pivoted.clause_number) as integer) as clause_key,
        rules.rule_key,
        rules.curriculum_key,
        curricula.task,
        stages.stage_key,
        destinations.stage_key as to_stage_key,
        pivoted.* exclude (curriculum, stage, clause_number)
    from pivoted
    inner join rules
        on
            pivoted.curriculum = rules.curriculum
            and pivoted.stage = rules.stage
            and pivoted.rule_number = rules.rule_number
    left join curricula on rules.curriculum_key = curricula.curriculum_key
    inner join stages on rules.stage = stages.stage
    inner join stages as destinations on rules.to_stage = destinations.stage

)

select * from final
