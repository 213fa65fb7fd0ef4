{{ config(
    tags='gate',
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

-- who is off curriculum shows that the table is written; a date in the future tells nothing of how fresh the table is
newest as (

    select max(session_date) as session_date from behavior
    cross join run
    where coalesce(set_aside_because, 'off_curriculum') = 'off_curriculum' and session_date <= run.tomorrow

),

final as (

    select 'newest session up to tomorrow: ' || coalesce(cast(newest.session_date as varchar), 'none') as detail
    from newest
    cross join run
    where
        newest.session_date is null
        or newest.session_date < run.training_day - {{ var('expected_days_between_sessions') }}

)

select * from final
