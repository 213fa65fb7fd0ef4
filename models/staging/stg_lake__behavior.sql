{{ config(materialized='view') }}

with

final as (

    select
        -- the row's number in the table, which nothing changes within a run
        rowid as session_key,
        *
    from {{ ref('stg_lake__behavior_typed') }}

)

select * from final
