{{ config(materialized='view') }}

with

-- DuckDB would write a CTE that is read twice, with all its columns
measures as not materialized (

    select * from {{ ref('int_sessions__measures') }}

),

directives as (

    select * from {{ ref('int_sessions__directives') }}

),

replayed_from as (

    select * from {{ ref('int_walk__replayed_from') }}

),

scenarios as (

    select
        'tonight' as scenario,
        measures.*
    from measures
    where not measures.has_standing_decision

    union all

    select
        'replay' as scenario,
        measures.*
    from measures
    inner join replayed_from
        on measures.subject_key = replayed_from.subject_key and measures.session >= replayed_from.session

),

final as (

    select
        scenarios.* exclude (has_standing_decision),
        coalesce(directives.is_off, false) as is_off,
        coalesce(directives.enrol_stage_key, 0) as enrol_stage_key,
        coalesce(directives.directive_key, 0) as directive_key,
        coalesce(directives.pin_stage_key, 0) as pin_stage_key
    from scenarios
    left join directives on scenarios.session_key = directives.session_key

)

select * from final
