{{ config(
    severity='warn',
    meta={
        'says': 'sessions dated after tomorrow',
        'what_to_do': "see the clock of the rigs that ran them; they are decided, for the session's number gives the order",
    },
) }}
with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

final as (

    select
        behavior.subject_id,
        behavior.session,
        behavior.session_date
    from behavior
    cross join run
    where behavior.set_aside_because is null and behavior.session_date > run.training_day + 1

)

select * from final
