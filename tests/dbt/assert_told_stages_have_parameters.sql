{{ config(
    severity='warn',
    meta={
        'says': 'mice are told a stage for which their curriculum has no parameters; a rig cannot run it',
        'what_to_do': 'move the mouse to a version of its curriculum that has them, or pin it to its last stage',
    },
) }}
with

next_session as (

    select * from {{ ref('next_session') }}

),

parameters as (

    select * from {{ ref('stage_parameters') }}

),

final as (

    select
        next_session.subject_id,
        next_session.curriculum_name || ' ' || next_session.curriculum_version || ': '
        || next_session.next_stage_suggested as detail
    from next_session
    anti join parameters
        on
            {{ same_curriculum('next_session', 'parameters') }}
            and next_session.next_stage_suggested = parameters.stage
    where not next_session.has_left

)

select * from final
