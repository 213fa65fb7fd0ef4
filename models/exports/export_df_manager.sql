with

-- the same rows give the same bytes
in_order as (

    select * from {{ ref('df_manager') }}
    order by subject_id, session

),

final as (

    select
        * replace (cast(session_date as varchar) as session_date),
        {{ curriculum_json_name('in_order') }} as curriculum_json_name
    from in_order

)

select * from final
