with

df_manager as (

    select * from {{ ref('df_manager') }}

),

final as (

    select
        subject_id,
        current_stage_actual,
        count(*) as session_spent,
        min(session) as first_entry,
        max(session) as last_leave,
        max(session) - min(session) + 1 as session_spanned,
        count(*) filter (where decision = 'STAY') as "n_STAY",
        count(*) filter (where decision = 'PROGRESS') as "n_PROGRESS",
        count(*) filter (where decision = 'ROLLBACK') as "n_ROLLBACK"
    from df_manager
    group by subject_id, current_stage_actual

)

select * from final
