{{ config(materialized='view') }}

with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}
    where set_aside_because is null

),

twice as (

    select * from {{ ref('stg_lake__sessions_twice') }}

),

final as (

    select behavior.* exclude (set_aside_because) from behavior
    anti join twice on behavior.session_key = twice.session_key

)

select * from final
