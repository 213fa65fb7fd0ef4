with

final as (

    select * exclude (is_new) from {{ ref('decision_log') }}
    -- the same rows give the same bytes
    order by first_published_at, subject_id, session

)

select * from final
