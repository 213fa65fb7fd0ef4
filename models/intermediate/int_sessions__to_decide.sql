{{ config(materialized='view') }}

with

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
    left join directives on measures.session_key = directives.session_key
    where not measures.has_standing_decision

)

select * from final
