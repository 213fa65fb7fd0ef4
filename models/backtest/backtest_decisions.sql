with

walked as (

    select * from {{ ref('backtest__walked') }}
    where not_decided_because is null

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

behavior as (

    select
        session_key,
        subject_id,
        session
    from {{ ref('stg_lake__sessions') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

curriculum_stages as (

    select * from {{ ref('int_curricula__stages') }}

),

final as (

    select
        behavior.subject_id,
        behavior.session,
        curricula.curriculum_key,
        actual.stage,
        coalesce(rules.decision, 'STAY') as decision,
        next.stage as next_stage,
        -- a curriculum may lead to GRADUATED though it does not have it
        coalesce(curriculum_stages.is_graduation, next.is_absorbing) as is_graduated,
        walked.rule_key,
        walked.is_newest
    from walked
    inner join curricula on walked.scenario = curricula.curriculum
    inner join behavior on walked.session_key = behavior.session_key
    inner join stages as actual on walked.actual_stage_key = actual.stage_key
    inner join stages as next on walked.next_stage_key = next.stage_key
    left join curriculum_stages
        on
            curricula.curriculum_key = curriculum_stages.curriculum_key
            and walked.next_stage_key = curriculum_stages.stage_key
    left join rules on walked.rule_key = rules.rule_key

)

select * from final
