with

final as (

    select * from {{ ref('df_manager_stats') }}
    order by subject_id, current_stage_actual

)

select * from final
