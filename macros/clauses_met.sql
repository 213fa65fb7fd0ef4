{% macro clauses_met(sessions, clauses) %}
{#- a clause looks at no measure of another task, so that is asked once and not of each of them -#}
{%- set of_tasks = {} %}
{%- for measure in measures() if measure.in_rules %}
    {%- do of_tasks.setdefault((measure.tasks or []) | join(' '), []).append(measure.name) %}
{%- endfor %}
{%- set in_bounds = [within_bounds('sessions', 'clauses', ['session_total'])] %}
{%- for tasks, names in of_tasks.items() %}
    {%- set bounds = within_bounds('sessions', 'clauses', names) %}
    {%- do in_bounds.append(
        "(clauses.task not in ('" ~ tasks.split(' ') | join("', '") ~ "') or " ~ bounds ~ ")" if tasks else bounds
    ) %}
{%- endfor %}
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
    where {{ in_bounds | join(' and ') }}

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
        and {{ in_bounds | join(' and ') }}

),

final as (

    select * from closed_loop

    union all

    select * from open_loop

)

select * from final
{% endmacro %}
