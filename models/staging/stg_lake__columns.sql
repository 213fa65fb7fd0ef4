-- depends_on: {{ source('lake', 'df_behavior') }}
{%- set types = lake_columns('df_behavior') %}
{%- set read = {} %}
{%- for name, columns in columns_read().items() %}
    {%- for source in sources_of(types, columns) %}{% do read.update({source.column: name}) %}{% endfor %}
{%- endfor %}

with

final as (

    {% for column, type in types.items() -%}
    select
        {{ literal(column) }} as column_name,
        {{ literal(type) }} as type,
        {{ literal(read[column]) if column in read else 'cast(null as varchar)' }} as read_as
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as column_name,
        cast(null as varchar) as type,
        cast(null as varchar) as read_as
    where false
    {%- endfor %}

)

select * from final
