{{ config(materialized='view') }}

with

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

final as (

    select * exclude (has_standing_decision) from measures
    where not has_standing_decision

)

select * from final
