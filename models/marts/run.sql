{{ config(materialized='view') }}

with

run as (

    select * from {{ ref('stg_lake__run') }}

),

files as (

    select max(modified_at) as modified_at from {{ ref('stg_lake__files') }}

),

newest as (

    select cast(max(name) as date) as session_date from {{ ref('run_summary') }}
    where of_what = 'newest_session_date'

),

final as (

    select
        run.run_id,
        run.started_at,
        run.training_day,
        files.modified_at,
        newest.session_date as newest_session_date
    from run
    cross join files
    cross join newest

)

select * from final
