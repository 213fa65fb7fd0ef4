with

sessions as (

    select * from {{ ref('backtest__sessions') }}

),

walked as (

    select * from {{ ref('backtest__walked') }}
    where not_decided_because is null

),

behavior as (

    select
        session_key,
        subject_id
    from {{ ref('stg_lake__sessions') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

final as (

    select
        behavior.subject_id,
        sessions.session,
        sessions.curriculum_key,
        actual.stage,
        coalesce(rules.decision, 'STAY') as decision,
        next.stage as next_stage,
        walked.rule_key,
        walked.is_newest
    from walked
    inner join sessions on walked.session_key = sessions.session_key
    inner join behavior on sessions.session_key_of_behavior = behavior.session_key
    inner join stages as actual on walked.actual_stage_key = actual.stage_key
    inner join stages as next on walked.next_stage_key = next.stage_key
    left join rules on walked.rule_key = rules.rule_key

)

select * from final
