with

curricula as (

    select * from {{ ref('int_curricula') }}

),

stages as (

    select * from {{ ref('int_curricula__stages') }}
    where is_end

),

-- curricula that the library does not have are there too: their decisions stand
decided as (

    select distinct
        curriculum_name,
        curriculum_version,
        curriculum_schema_version
    from {{ ref('df_manager') }}

),

absorbing as (

    select stage from {{ ref('training_stages') }}
    where is_absorbing

),

found as (

    select
        curricula.curriculum_name,
        curricula.curriculum_version,
        curricula.curriculum_schema_version,
        stages.stage,
        stages.is_graduation
    from stages
    inner join curricula on stages.curriculum_key = curricula.curriculum_key

    union

    select
        decided.*,
        absorbing.stage,
        true as is_graduation
    from decided
    cross join absorbing

),

final as (

    select * from found

)

select * from final
