{{ config(
    tags='gate',
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
        'session ' || behavior.session || ' of ' || behavior.subject_id || ': ' || behavior.session_date as detail
    from behavior
    cross join run
    where behavior.set_aside_because is null and behavior.session_date > run.tomorrow

)

select * from final
