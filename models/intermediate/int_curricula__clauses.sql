{%- set measured = ['session_total', 'session_at_current_stage'] + measures() | map(attribute='name') | list %}

with

conditions as (

    select * from {{ ref('curriculum_conditions') }}

),

rules as (

    select * from {{ ref('curriculum_rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

-- one row per clause with a bound per measure makes the join to sessions a plain filter
pivoted as (

    select
        clause_key,
        rule_key
        {%- for measure in measured %},
        max(lower_bound) filter (where measure = '{{ measure }}') as {{ measure }}__lower,
        max(upper_bound) filter (where measure = '{{ measure }}') as {{ measure }}__upper
        {%- endfor %}
    from conditions
    group by clause_key, rule_key

),

final as (

    select
        rules.curriculum_key,
        stages.stage_key,
        rules.rule_number,
        destinations.stage_key as to_stage_key,
        pivoted.*
    from pivoted
    inner join rules on pivoted.rule_key = rules.rule_key
    inner join stages on rules.stage = stages.stage
    inner join stages as destinations on rules.to_stage = destinations.stage

)

select * from final
