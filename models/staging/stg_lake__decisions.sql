-- depends_on: {{ source('lake', 'df_manager') }}
-- depends_on: {{ ref('stg_lake__run') }}
{#- What was published last time; nothing on the first night. Which file it is was noted before it is read. #}
{%- set types = lake_columns('df_manager') %}
{%- set texts = [
    'subject_id', 'task', 'curriculum_name', 'curriculum_version', 'curriculum_schema_version',
    'current_stage_suggested', 'current_stage_actual', 'decision', 'next_stage_suggested',
    'inputs_read', 'directive',
] %}
{%- set others = {
    'session_date': 'date', 'session': 'bigint', 'finished_trials': 'double', 'foraging_efficiency': 'double',
    'session_at_current_stage': 'bigint', 'if_closed_loop': 'boolean', 'if_overriden_by_trainer': 'boolean',
    'matched_rule': 'integer', 'first_published_at': 'timestamp',
} %}

with

final as (

    select
        {% for column in texts -%}
        {{ text_column(types, [column]) }} as {{ column }},
        {% endfor -%}
        coalesce({{ text_column(types, ['run_id']) }}, 'before runs had names') as run_id,
        {% for column, type in others.items() -%}
        cast({{ first_column(types, [column]) or 'null' }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    {% if types -%}
    from {{ read_lake('df_manager') }}
    {%- else -%}
    where false
    {%- endif %}

)

select * from final
