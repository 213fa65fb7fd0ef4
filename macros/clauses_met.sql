{% macro clauses_met(sessions, clauses) %}
{%- set in_sql = ['session_total'] + measures() | selectattr('in_rules') | map(attribute='name') | list %}
with

-- DuckDB would write a CTE that is read twice, with all its columns
sessions as not materialized (

    select * from {{ sessions }}

),

clauses as (

    select * from {{ clauses }}

),

-- a rig that reports its stage leaves only that stage's rules. As two joins, each on equal keys, most candidates never
-- come up: one join with an `or` looks at every rule of the curriculum for every session
closed_loop as (

    select
        sessions.scenario,
        sessions.session_key,
        clauses.clause_key
    from sessions
    inner join clauses
        on
            sessions.curriculum_key = clauses.curriculum_key
            and sessions.reported_stage_key = clauses.stage_key
    where {{ within_bounds('sessions', 'clauses', in_sql) }}

),

-- in open loop only the walk knows which stage it is
open_loop as (

    select
        sessions.scenario,
        sessions.session_key,
        clauses.clause_key
    from sessions
    inner join clauses on sessions.curriculum_key = clauses.curriculum_key
    where
        sessions.reported_stage_key is null
        and {{ within_bounds('sessions', 'clauses', in_sql) }}

),

final as (

    select * from closed_loop

    union all

    select * from open_loop

)

select * from final
{% endmacro %}
