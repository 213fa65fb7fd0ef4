with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}
    where set_aside_because not in ('off_curriculum', 'no_session_number')

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}
    where not_decided_because is not null

),

undecided as (

    select
        sessions.*,
        decisions.not_decided_because as set_aside_because
    from decisions
    inner join sessions on decisions.session_key = sessions.session_key

),

both_kinds as (

    select * from behavior

    union all by name

    select * exclude (session_key, subject_key) from undecided

),

final as (

    select
        subject_id,
        session_date,
        session,
        task,
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        reported_stage,
        finished_trials,
        foraging_efficiency,
        set_aside_because as reason
    from both_kinds

)

select * from final
