{{ config(materialized='view') }}

with

df_manager as (

    select * from {{ ref('df_manager') }}

),

sessions as (

    select
        session_key,
        subject_id,
        session
    from {{ ref('stg_lake__sessions') }}

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

policies as (

    select * from {{ ref('curriculum_policies') }}

),

measured as (

    select
        sessions.session_key,
        df_manager.subject_id,
        df_manager.session,
        df_manager.next_parameters,
        cast(df_manager.session_at_current_stage as double) as session_at_current_stage,
        curricula.curriculum,
        df_manager.current_stage_actual as stage,
        measures.* exclude (session_key, session)
    from df_manager
    inner join sessions on df_manager.subject_id = sessions.subject_id and df_manager.session = sessions.session
    inner join measures on sessions.session_key = measures.session_key
    inner join curricula
        on
            df_manager.curriculum_name = curricula.curriculum_name
            and df_manager.curriculum_version = curricula.curriculum_version
            and df_manager.curriculum_schema_version = curricula.curriculum_schema_version
    -- SEMANTICS 27: what a policy gives holds where the mouse stays
    where df_manager.next_stage_suggested = df_manager.current_stage_actual

),

final as (

    select
        measured.session_key,
        measured.subject_id,
        measured.session,
        policies.parameter,
        policies.policy_in_words,
        try_cast(json_extract_string(measured.next_parameters, '$.' || policies.parameter) as double) as given,
        {{ of_policy('policies', 'sql') }} as computed,
        {{ of_policy('policies', 'explanation') }} as explanation
    from measured
    inner join policies on measured.curriculum = policies.curriculum and measured.stage = policies.stage

)

select * from final
