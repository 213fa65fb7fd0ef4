with

drifted as (

    select * from {{ ref('int_decisions__drifted') }}

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

replayed as (

    select * from {{ ref('int_walk') }}
    where scenario = 'replay'

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

policies as (

    select policies.* from {{ ref('int_decisions__policies') }} as policies
    where policies.scenario = 'replay'

),

anew as (

    select
        sessions.subject_id,
        sessions.session,
        replayed.is_newest,
        replayed.not_decided_because,
        case when replayed.not_decided_because is null then {{ decision_of('replayed', 'rules') }} end as decision,
        case when replayed.not_decided_because is null then next.stage end as next_stage,
        policies.next_parameters
    from replayed
    inner join sessions on replayed.session_key = sessions.session_key
    left join rules on replayed.rule_key = rules.rule_key
    left join stages as next on replayed.next_stage_key = next.stage_key
    left join policies on replayed.session_key = policies.session_key

),

replayed_from as (

    select * from {{ ref('int_walk__replayed_from') }}

),

before_drift as (

    select
        df_manager.subject_id,
        max_by(df_manager.next_stage_suggested, df_manager.session) as next_stage,
        arg_max_null(df_manager.next_parameters, df_manager.session) as next_parameters
    from df_manager
    inner join replayed_from
        on df_manager.subject_id = replayed_from.subject_id and df_manager.session < replayed_from.session
    group by df_manager.subject_id

),

tomorrow as (

    select
        df_manager.subject_id,
        max_by(df_manager.next_stage_suggested, df_manager.session) as next_stage,
        arg_max_null(df_manager.next_parameters, df_manager.session) as next_parameters
    from df_manager
    semi join replayed_from on df_manager.subject_id = replayed_from.subject_id
    group by df_manager.subject_id

),

compared as (

    select
        drifted.subject_id,
        drifted.session,
        drifted.what_changed,
        drifted.is_its_own,
        df_manager.decision,
        df_manager.next_stage_suggested,
        df_manager.next_parameters,
        anew.decision as decision_now,
        anew.next_stage as next_stage_now,
        anew.next_parameters as next_parameters_now,
        case when drifted.is_gone then 'session_is_gone' else anew.not_decided_because end as not_decided_because,
        tomorrow.next_stage as stage_tomorrow,
        coalesce(newest.next_stage, before_drift.next_stage) as stage_tomorrow_now,
        tomorrow.next_parameters as parameters_tomorrow,
        case when newest.next_stage is null then before_drift.next_parameters else newest.next_parameters end
            as parameters_tomorrow_now
    from drifted
    inner join df_manager on drifted.subject_id = df_manager.subject_id and drifted.session = df_manager.session
    inner join tomorrow on drifted.subject_id = tomorrow.subject_id
    left join anew on drifted.subject_id = anew.subject_id and drifted.session = anew.session
    left join anew as newest on drifted.subject_id = newest.subject_id and newest.is_newest
    left join before_drift on drifted.subject_id = before_drift.subject_id

),

final as (

    select
        *,
        (
            coalesce(stage_tomorrow <> stage_tomorrow_now, true)
            or parameters_tomorrow is distinct from parameters_tomorrow_now
        ) as matters_for_tomorrow
    from compared

)

select * from final
