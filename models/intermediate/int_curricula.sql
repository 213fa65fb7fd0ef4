with

curricula as (

    select * from {{ ref('curricula') }}

),

-- as people count: 2.9 comes before 2.10, and 2.3 before 2.3.1 and 2.3rwdDelay159
in_order as (

    select
        *,
        list_transform(
            string_split(curriculum_version, '.'),
            lambda part: struct_pack(
                number := coalesce(try_cast(regexp_extract(part, '^[0-9]*') as bigint), 0),
                rest := regexp_extract(part, '^[0-9]*(.*)$', 1)
            )
        ) as parts
    from curricula

),

final as (

    select
        cast(
            row_number() over (order by curriculum_name, parts, curriculum_version, curriculum_schema_version)
            as smallint
        ) as curriculum_key,
        * exclude (parts)
    from in_order

)

select * from final
