{{ config(materialized='view') }}

with

df_manager as (

    select
        *,
        row_number() over (partition by subject_id order by session desc) as nth_newest
    from {{ ref('df_manager') }}

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

final as (

    select
        df_manager.subject_id,
        df_manager.session,
        df_manager.nth_newest,
        df_manager.current_stage_actual,
        df_manager.next_stage_suggested,
        cast(df_manager.session_at_current_stage as double) as session_at_current_stage,
        df_manager.measures_read,
        df_manager.next_parameters,
        sessions.session_key,
        curricula.curriculum,
        curricula.curriculum_key,
        measures.* exclude (session_key, subject_key, session, curriculum_key)
    from df_manager
    left join sessions on df_manager.subject_id = sessions.subject_id and df_manager.session = sessions.session
    left join measures on sessions.session_key = measures.session_key
    inner join curricula on {{ same_curriculum('df_manager', 'curricula') }}

)

select * from final
