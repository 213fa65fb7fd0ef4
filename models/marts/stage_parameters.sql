with

curricula as (

    select * from {{ ref('curricula') }}

),

parameters as (

    select * from {{ ref('curriculum_parameters') }}

),

final as (

    select
        curricula.curriculum_name,
        curricula.curriculum_version,
        curricula.curriculum_schema_version,
        parameters.stage,
        parameters.parameter,
        parameters.value
    from parameters
    inner join curricula on parameters.curriculum = curricula.curriculum

)

select * from final
