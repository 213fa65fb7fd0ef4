-- depends_on: {{ source('lake', 'df_behavior') }}
{%- set types = lake_columns('df_behavior') %}
{%- set has_curriculum = 'curriculum_name' in types or not execute %}
{%- set default = var('default_curriculum') %}

with

df_behavior as (

    select * from {{ read_lake('df_behavior') }}

),

task_aliases as (

    select * from {{ ref('task_aliases') }}

),

typed as (

    select
        -- a float column writes 452272.0 for the subject 452272
        {% if types.get('subject_id') in ['DOUBLE', 'FLOAT'] -%}
        regexp_replace({{ text_column(types, ['subject_id']) }}, '\.0$', '')
        {%- else -%}
        {{ text_column(types, ['subject_id']) }}
        {%- endif %} as subject_id,
        {{ number_column(types, ['session']) }} as session_number,
        {{ number_is_wrong(types, ['session']) }} as session_number__is_wrong,
        try_cast(left({{ text_column(types, ['session_date']) }}, 10) as date) as session_date,
        {{ text_column(types, ['task']) }} as task,
        {% if has_curriculum -%}
        {{ text_column(types, ['curriculum_name']) }} as curriculum_name,
        regexp_replace({{ text_column(types, ['curriculum_version']) }}, '^v([0-9])', '\1') as curriculum_version,
        regexp_replace({{ text_column(types, ['curriculum_schema_version']) }}, '^v([0-9])', '\1')
            as curriculum_schema_version,
        {%- else -%}
        {{ literal(default.name) }} as curriculum_name,
        {{ literal(default.version) }} as curriculum_version,
        {{ literal(default.schema_version) }} as curriculum_schema_version,
        {%- endif %}
        {{ text_column(types, ['current_stage_actual']) }} as reported_stage,
        lower({{ text_column(types, ['if_overriden_by_trainer']) }}) in ('true', '1', '1.0') as reported_override,
        {{ text_column(types, ['user_name', 'trainer']) }} as trainer,
        {{ text_column(types, ['rig']) }} as rig,
        {{ number_column(types, ['weight_after']) }} as weight_after,
        {{ number_column(types, ['water_in_session_total']) }} as water_in_session_total,
        {{ number_column(types, ['bias_naive']) }} as bias_naive
        {%- for metric in metrics() %},
        {{ number_column(types, metric.columns) }} as {{ metric.name }},
        {{ number_is_wrong(types, metric.columns) }} as {{ metric.name }}__is_wrong
        {%- endfor %}
    from df_behavior

),

-- SEMANTICS 1: without a number or a curriculum name a session takes no part, which is not an error
final as (

    select
        typed.* exclude (task, session_number, session_number__is_wrong),
        case
            when typed.session_number between 0 and 9007199254740992 and typed.session_number = floor(typed.session_number)
                then cast(typed.session_number as bigint)
        end as session,
        coalesce(task_aliases.task, typed.task) as task,
        case
            when typed.curriculum_name is null then 'off_curriculum'
            when typed.session_number is null and not typed.session_number__is_wrong then 'no_session_number'
            when
                typed.subject_id is null
                or not regexp_full_match(typed.subject_id, {{ literal(var('subject_id_pattern')) }})
                then 'subject_id_pattern'
            when
                typed.session_number is null
                or typed.session_number not between 0 and 9007199254740992
                or typed.session_number <> floor(typed.session_number)
                then 'session_is_no_whole_number'
        end as set_aside_because
    from typed
    left join task_aliases on typed.task = task_aliases.alias

)

select * from final
