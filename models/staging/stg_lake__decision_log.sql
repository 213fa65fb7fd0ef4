-- depends_on: {{ source('lake', 'decision_log') }}
{%- set types = lake_columns('decision_log') %}

with

final as (

    select
        {% for column, type in df_manager_columns('logged').items() -%}
        cast({{ column if column in types else 'null' }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    {% if types -%}
    from {{ read_lake('decision_log') }}
    {%- else -%}
    where false
    {%- endif %}

)

select * from final
