with

sessions as (

    select
        session_key,
        subject_id,
        session
    from {{ ref('stg_lake__sessions') }}

),

standing as (

    select
        subject_id,
        session
    from {{ ref('int_decisions__standing') }}

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

undecided as (

    select sessions.session_key from sessions
    anti join standing on sessions.subject_id = standing.subject_id and sessions.session = standing.session

),

final as (

    select measures.* from measures
    semi join undecided on measures.session_key = undecided.session_key

)

select * from final
