with

final as (

    select * from {{ ref('df_manager') }}
    order by subject_id, session

)

select * from final
