with

rules as (

    select * from {{ ref('curriculum_rules') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

final as (

    select
        cast(
            row_number() over (order by curricula.curriculum_key, stages.stage_key, rules.rule_number) as integer
        ) as rule_key,
        curricula.curriculum_key,
        rules.*
    from rules
    inner join curricula on rules.curriculum = curricula.curriculum
    inner join stages on rules.stage = stages.stage

)

select * from final
