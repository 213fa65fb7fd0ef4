with

curricula as (

    select * from {{ ref('curricula') }}

),

curriculum_stages as (

    select * from {{ ref('curriculum_stages') }}

),

final as (

    select
        curricula.curriculum_name,
        curricula.curriculum_version,
        curricula.curriculum_schema_version,
        curriculum_stages.stage,
        curriculum_stages.label,
        curriculum_stages.called,
        curriculum_stages.position,
        curriculum_stages.is_end,
        curriculum_stages.is_graduation
    from curriculum_stages
    inner join curricula on curriculum_stages.curriculum = curricula.curriculum

)

select * from final
