with

final as (

    select * replace (cast(session_date as varchar) as session_date) from {{ ref('df_manager') }}
    order by subject_id, session

)

select * from final
