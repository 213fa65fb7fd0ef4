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
    -- what an enrolment says of a mouse that has never run is no decision: no session is at its stage
    where decisions.session_at_current_stage is distinct from 0
    {%- if flags.FULL_REFRESH %}
    -- SEMANTICS 10: all is decided anew
    and false
    {%- endif %}

)

select * from final
