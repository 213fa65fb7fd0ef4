{{ config(materialized='view') }}
{%- set columns = logged_columns() | join(', ') %}

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

-- a run that was killed between df_manager and the log published all the same
missed as (

    select published.* from published
    anti join logged_runs on published.run_id = logged_runs.run_id

),

new as (

    select df_manager.* from df_manager
    semi join run on df_manager.run_id = run.run_id

),

final as (

    select * from log

    union all by name

    select * from missed

    union all by name

    select * from new

)

select * from final
