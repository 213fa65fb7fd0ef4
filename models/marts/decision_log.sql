{{ config(materialized='view') }}
{%- set columns = df_manager_columns('logged') | join(', ') %}

with

log as (

    select * from {{ ref('stg_lake__decision_log') }}

),

published as (

    select {{ columns }} from {{ ref('stg_lake__decisions') }}

),

df_manager as (

    select {{ columns }} from {{ ref('df_manager') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

logged_runs as (

    select distinct run_id from log

),

-- published decisions that the log lacks: an older version did not log them, or their file is damaged
missed as (

    select published.* from published
    anti join logged_runs on published.run_id = logged_runs.run_id

),

new as (

    select df_manager.* from df_manager
    semi join run on df_manager.run_id = run.run_id

),

final as (

    select
        *,
        false as is_new
    from log

    union all by name

    select
        *,
        true as is_new
    from missed

    union all by name

    select
        *,
        true as is_new
    from new

)

select * from final
