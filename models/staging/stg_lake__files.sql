-- depends_on: {{ source('lake', 'df_behavior') }}
with

final as (

    select
        -- without what gives access to a URL
        regexp_replace(filename, '^(https?://)([^/?#]*@)?([^?#]*).*$', '\1\3') as path,
        size as bytes,
        last_modified at time zone 'UTC' as modified_at
    from {{ files_of_lake('df_behavior') }}

)

select * from final
