with

sessions as (

    select distinct subject_id from {{ ref('stg_lake__sessions') }}

),

final as (

    select
        subject_id,
        cast(row_number() over (order by subject_id) as integer) as subject_key
    from sessions

)

select * from final
