-- depends_on: {{ source('lake', 'df_manager') }}
-- depends_on: {{ ref('stg_lake__run') }}
{#- What was published last time; nothing on the first night. Which file it is was noted before it is read. #}
{%- set types = lake_columns('df_manager') %}
{%- set absent = {
    'run_id': "'before runs had names'",
    'directive_kind': "regexp_extract(" ~ text_column(types, ['directive']) ~ ", '^(hold|pin|off_curriculum|enrol)', 1)",
} %}

with

final as (

    select
        {% for column, type in df_manager_columns().items() -%}
        {%- set value = text_column(types, [column]) if type == 'varchar' else column if column in types else 'null' -%}
        {%- if column in absent -%}
        -- a df_manager of an older version lacks it
        nullif(coalesce({{ value }}, {{ absent[column] }}), '') as {{ column }}{{ ',' if not loop.last }}
        {%- elif column == 'trainer_chose' and column not in types and 'if_overriden_by_trainer' in types -%}
        -- an older version took every override for a trainer's
        cast(if_overriden_by_trainer as boolean) as trainer_chose{{ ',' if not loop.last }}
        {%- else -%}
        cast({{ value }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endif %}
        {% endfor -%}
    {% if types -%}
    from {{ read_lake('df_manager') }}
    {%- else -%}
    where false
    {%- endif %}

)

select * from final
