with

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

-- each curriculum is a scenario, in which every mouse runs once; open loop: the stage that is suggested runs
final as (

    select
        curricula.curriculum as scenario,
        curricula.curriculum_key,
        cast(null as smallint) as reported_stage_key,
        false as is_off,
        cast(curriculum_stages.stage_key as smallint) as enrol_stage_key,
        0 as directive_key,
        0 as pin_stage_key,
        measures.* exclude (curriculum_key, reported_stage_key, has_standing_decision)
    from measures
    cross join curricula
    -- also a mouse whose first session is missing starts where its curriculum does
    inner join {{ ref('int_curricula__stages') }} as curriculum_stages
        on curricula.curriculum_key = curriculum_stages.curriculum_key and curriculum_stages.is_first

)

select * from final
