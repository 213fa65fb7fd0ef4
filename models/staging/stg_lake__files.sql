-- depends_on: {{ source('lake', 'df_behavior') }}
with

final as (

    select
        filename as path,
        size as bytes,
        last_modified at time zone 'UTC' as modified_at
    from {{ files_of_lake('df_behavior') }}

)

select * from final
