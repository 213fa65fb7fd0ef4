with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

decisions as (

    select * from {{ ref('int_walk') }}
    where scenario = 'tonight'

),

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

quarantine as (

    select * from {{ ref('quarantine') }}

),

next_session as (

    select * from {{ ref('next_session') }}

),

drift as (

    select * from {{ ref('decision_drift') }}

),

sessions as (

    select
        'sessions' as of_what,
        'read' as name,
        count(*) as number
    from behavior

    union all by name

    select
        'sessions' as of_what,
        'off_curriculum' as name,
        count(*) as number
    from behavior
    where set_aside_because in ('off_curriculum', 'no_session_number')

    union all by name

    select
        'sessions' as of_what,
        'by_default' as name,
        count(*) as number
    from behavior
    where is_by_default

    union all by name

    select
        'sessions' as of_what,
        'decided_now' as name,
        count(*) as number
    from decisions
    where not_decided_because is null

    union all by name

    select
        'sessions' as of_what,
        'decided_before' as name,
        count(*) as number
    from standing

    union all by name

    select
        'sessions' as of_what,
        'drifted' as name,
        count(*) as number
    from drift

),

set_aside as (

    select
        'set_aside' as of_what,
        reason as name,
        count(*) as number
    from quarantine
    group by reason

),

decided as (

    select
        'next_session' as of_what,
        decision as name,
        count(*) as number
    from next_session
    where not has_left
    group by decision

),

newest as (

    select
        'newest_session_date' as of_what,
        cast(max(session_date) as varchar) as name,
        1 as number
    from behavior
    where set_aside_because is null

),

final as (

    select * from sessions

    union all by name

    select * from set_aside

    union all by name

    select * from decided

    union all by name

    select * from newest

)

select * from final
