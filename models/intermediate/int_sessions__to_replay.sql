with

drifted as (

    select
        subject_id,
        min(session) as session
    from {{ ref('int_decisions__drifted') }}
    group by subject_id

),

subjects as (

    select * from {{ ref('int_subjects') }}

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

directives as (

    select * from {{ ref('int_sessions__directives') }}

),

final as (

    select
        measures.* exclude (has_standing_decision),
        coalesce(directives.is_off, false) as is_off,
        coalesce(directives.enrol_stage_key, 0) as enrol_stage_key,
        coalesce(directives.directive_key, 0) as directive_key,
        coalesce(directives.pin_stage_key, 0) as pin_stage_key
    from measures
    inner join subjects on measures.subject_key = subjects.subject_key
    inner join drifted on subjects.subject_id = drifted.subject_id and measures.session >= drifted.session
    left join directives on measures.session_key = directives.session_key

)

select * from final
