with

final as (

    select * from {{ ref('df_manager_stats') }}
    -- the same rows give the same bytes
    order by subject_id, current_stage_actual

)

select * from final
