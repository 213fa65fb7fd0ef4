-- Nothing is lost: a row of df_behavior takes no part, is set aside with a reason, or has its decision in df_manager.
-- Nothing is added: df_manager has the decisions that stand, those made now, and what
-- mice are told that have not run yet.
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

    select * from {{ ref('int_walk') }}
    where scenario = 'tonight'

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

undecided as (

    select session_key from decisions
    where not_decided_because is not null

),

sessions as (

    select behavior.* from behavior
    anti join twice on behavior.session_key = twice.session_key

),

-- of a session that came twice one row counts
only_set_aside as (

    select
        behavior.subject_id,
        behavior.session
    from behavior
    semi join twice on behavior.session_key = twice.session_key
    anti join sessions on behavior.subject_id = sessions.subject_id and behavior.session = sessions.session

),

unaccounted as (

    select
        sessions.subject_id,
        sessions.session
    from sessions
    anti join undecided on sessions.session_key = undecided.session_key
    anti join df_manager on sessions.subject_id = df_manager.subject_id and sessions.session = df_manager.session

),

decided_and_added as (

    select
        count(*) as decided,
        (select count(*) from df_manager)
        - (select count(*) from {{ ref('int_decisions__standing') }})
        - (select count(*) from {{ ref('int_decisions__enrolled') }}) as added
    from decisions
    where not_decided_because is null

),

final as (

    select
        subject_id,
        session
    from only_set_aside

    union all

    select
        subject_id,
        session
    from unaccounted

    union all

    select
        'decided ' || decided || ', in df_manager ' || added as subject_id,
        null as session
    from decided_and_added
    where decided <> added

)

select * from final
