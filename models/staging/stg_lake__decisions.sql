-- depends_on: {{ source('lake', 'df_manager') }}
{#- What was published last time; nothing on the first night, and nothing where all is decided anew. #}
{%- set types = {} if flags.FULL_REFRESH else lake_columns('df_manager') %}
{%- set texts = [
    'subject_id', 'task', 'curriculum_name', 'curriculum_version', 'curriculum_schema_version',
    'current_stage_suggested', 'current_stage_actual', 'decision', 'next_stage_suggested',
    'inputs_read',
] %}
{%- set others = {
    'session_date': 'date', 'session': 'bigint', 'finished_trials': 'double', 'foraging_efficiency': 'double',
    'session_at_current_stage': 'bigint', 'if_closed_loop': 'boolean', 'if_overriden_by_trainer': 'boolean',
    'matched_rule': 'integer',
} %}

with

final as (

    select
        {% for column in texts -%}
        {{ text_column(types, [column]) }} as {{ column }},
        {% endfor -%}
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
