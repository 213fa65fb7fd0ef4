with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}
    where set_aside_because is null

),

-- whole numbers in place of texts make every later join and window cheap
subjects as (

    select
        subject_id,
        cast(row_number() over (order by subject_id) as integer) as subject_key
    from (select distinct subject_id from behavior)

),

in_order as (

    select
        subjects.subject_key,
        behavior.* exclude (set_aside_because)
    from behavior
    inner join subjects on behavior.subject_id = subjects.subject_id
    order by subjects.subject_key, behavior.session

),

final as (

    select
        cast(row_number() over () as integer) as session_key,
        *
    from in_order

)

select * from final
