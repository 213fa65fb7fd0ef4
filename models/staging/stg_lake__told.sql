-- depends_on: {{ source('lake', 'told') }}
{%- set types = lake_columns('told') %}
{%- set columns = {
    'run_id': 'varchar', 'subject_id': 'varchar', 'session': 'bigint', 'stage': 'varchar', 'stage_before': 'varchar',
} %}

with

publications as (

    select * from {{ ref('stg_lake__publications') }}

),

decision_log as (

    select * from {{ ref('stg_lake__decision_log') }}

),

recorded as (

    select
        {%- for column, type in columns.items() %}
        cast({{ column if types else 'null' }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {% if types -%}
    from {{ read_lake('told') }}
    {%- else -%}
    where false
    {%- endif %}

),

-- of a run of an older version, the newest of the decisions that it logged
logged as (

    select
        decision_log.run_id,
        decision_log.subject_id,
        max(decision_log.session) as session,
        max_by(decision_log.next_stage_suggested, decision_log.session) as stage,
        cast(null as varchar) as stage_before
    from decision_log
    inner join publications on decision_log.run_id = publications.run_id and not publications.has_told
    group by decision_log.run_id, decision_log.subject_id

),

told as (

    select * from recorded

    union all

    select * from logged

),

final as (

    select
        publications.place,
        told.*
    from told
    inner join publications on told.run_id = publications.run_id

)

select * from final
