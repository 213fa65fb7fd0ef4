{{ config(materialized='view') }}

with

decisions as (

    select * from {{ ref('stg_lake__decisions') }}

),

reopened as (

    select * from {{ ref('int_decisions__reopened') }}

),

final as (

    select decisions.* from decisions
    anti join reopened on decisions.subject_id = reopened.subject_id and decisions.session = reopened.session
    {%- if flags.FULL_REFRESH %}
    -- SEMANTICS 10: all is decided anew
    where false
    {%- endif %}

)

select * from final
