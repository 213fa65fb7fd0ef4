with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

twice as (

    select * from {{ ref('stg_lake__sessions_twice') }}

),

decisions as (

    select * from {{ ref('int_walk') }}
    where scenario = 'tonight'

),

-- a session off curriculum takes no part, which is not an error (SEMANTICS 1)
reasons as (

    select
        session_key,
        set_aside_because as reason
    from behavior
    where set_aside_because not in ('off_curriculum', 'no_session_number')

    union all by name

    select
        session_key,
        reason
    from twice

    union all by name

    select
        session_key,
        not_decided_because as reason
    from decisions
    where not_decided_because is not null

),

final as (

    select
        behavior.session_key,
        behavior.subject_id,
        behavior.session_date,
        behavior.session,
        behavior.task,
        behavior.curriculum_name,
        behavior.curriculum_version,
        behavior.curriculum_schema_version,
        behavior.reported_stage,
        behavior.finished_trials,
        behavior.foraging_efficiency,
        reasons.reason
    from reasons
    inner join behavior on reasons.session_key = behavior.session_key

)

select * from final
