with

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

mice as (

    select
        max(subject_key) as highest,
        count(*) as sessions
    from measures

),

-- every mouse once under every curriculum, as a mouse of its own; open loop: the stage that is suggested runs
final as (

    select
        cast((curricula.curriculum_key - 1) * mice.sessions + row_number() over (
            partition by curricula.curriculum_key
            order by measures.session_key
        ) as integer) as session_key,
        cast((curricula.curriculum_key - 1) * mice.highest + measures.subject_key as integer) as subject_key,
        measures.session_key as session_key_of_behavior,
        curricula.curriculum_key,
        cast(null as tinyint) as reported_stage_key,
        false as is_off,
        cast(curriculum_stages.stage_key as tinyint) as enrol_stage_key,
        0 as directive_key,
        0 as pin_stage_key,
        measures.* exclude (
            session_key, subject_key, curriculum_key, reported_stage_key, has_standing_decision
        )
    from measures
    cross join mice
    cross join curricula
    -- also a mouse whose first session is missing starts where its curriculum does
    inner join {{ ref('int_curricula__stages') }} as curriculum_stages
        on curricula.curriculum_key = curriculum_stages.curriculum_key and curriculum_stages.is_first

)

select * from final
