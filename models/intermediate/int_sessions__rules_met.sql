{%- set in_sql = ['session_total'] + measures() | map(attribute='name') | list %}

with

sessions as (

    select * from {{ ref('int_sessions__to_decide') }}

),

clauses as (

    select * from {{ ref('int_curricula__clauses') }}

),

-- a rig that reports its stage leaves only that stage's rules; in open loop the walk will know which stage it is
final as (

    select
        sessions.session_key,
        clauses.clause_key
    from sessions
    inner join clauses
        on
            sessions.curriculum_key = clauses.curriculum_key
            and (sessions.reported_stage_key is null or sessions.reported_stage_key = clauses.stage_key)
            {%- for measure in in_sql %}
            and (clauses.{{ measure }}__lower is null or sessions.{{ measure }} >= clauses.{{ measure }}__lower)
            and (clauses.{{ measure }}__upper is null or sessions.{{ measure }} <= clauses.{{ measure }}__upper)
            {%- endfor %}

)

select * from final
