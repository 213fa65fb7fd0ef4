{% macro own_fingerprint(sessions) %}
left(md5(concat_ws(
    '|'
    {%- for column in [
        'session_date', 'task', 'curriculum_name', 'curriculum_version', 'curriculum_schema_version',
        'reported_stage',
    ] %}, coalesce(cast({{ sessions }}.{{ column }} as varchar), '-'){% endfor %}
    {%- for metric in metrics() %}, coalesce(cast({{ sessions }}.{{ metric.name }} as varchar), '-')
    , cast({{ sessions }}.{{ metric.name }}__is_wrong as varchar){% endfor %}
)), 12)
{% endmacro %}
