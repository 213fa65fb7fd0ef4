-- Nothing is lost: a row of df_behavior takes no part, is set aside with a reason, or has its decision in df_manager.
with

behavior as (

    select
        session_key,
        subject_id,
        session
    from {{ ref('stg_lake__behavior') }}
    where set_aside_because is null

),

twice as (

    select * from {{ ref('stg_lake__sessions_twice') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

not_decided_now as (

    select behavior.* from behavior
    anti join twice on behavior.session_key = twice.session_key
    anti join decisions on behavior.session_key = decisions.session_key

),

unaccounted as (

    select
        not_decided_now.subject_id,
        not_decided_now.session
    from not_decided_now
    anti join df_manager
        on not_decided_now.subject_id = df_manager.subject_id and not_decided_now.session = df_manager.session

),

decided_and_lost as (

    select
        count(*) as decided,
        (select count(*) from df_manager) - (select count(*) from {{ ref('int_decisions__standing') }}) as added
    from decisions
    where not_decided_because is null

),

final as (

    select
        subject_id,
        session
    from unaccounted

    union all

    select
        'decided ' || decided || ', in df_manager ' || added as subject_id,
        null as session
    from decided_and_lost
    where decided <> added

)

select * from final
