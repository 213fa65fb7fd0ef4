with

curricula as (

    select * from {{ ref('int_curricula') }}

),

curriculum_stages as (

    select * from {{ ref('curriculum_stages') }}

),

rules as (

    select distinct
        curriculum_key,
        stage
    from {{ ref('int_curricula__rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

final as (

    select
        curricula.curriculum_key,
        stages.stage_key,
        stages.stage,
        curriculum_stages.position,
        curriculum_stages.is_end,
        curriculum_stages.is_graduation,
        curriculum_stages.stage = curricula.first_stage as is_first,
        rules.stage is not null as has_rules
    from curriculum_stages
    inner join curricula on curriculum_stages.curriculum = curricula.curriculum
    inner join stages on curriculum_stages.stage = stages.stage
    left join rules on curricula.curriculum_key = rules.curriculum_key and curriculum_stages.stage = rules.stage

)

select * from final
