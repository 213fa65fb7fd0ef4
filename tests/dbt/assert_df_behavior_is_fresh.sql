{{ config(
    severity='warn',
    meta={
        'says': 'the newest session is older than expected, or no session has a date',
        'what_to_do': 'see whether the job that writes df_behavior still runs; the limit is expected_days_between_sessions',
    },
) }}
with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

newest as (

    select max(session_date) as session_date from behavior
    where set_aside_because is null

),

final as (

    select newest.session_date from newest
    cross join run
    where
        newest.session_date is null
        or newest.session_date < run.training_day - {{ var('expected_days_between_sessions') }}

)

select * from final
