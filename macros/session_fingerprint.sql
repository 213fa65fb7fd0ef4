{#
    What a decision read, as a short text, so that a later night can tell whether it changed (SEMANTICS 9).
#}

{% macro history_fingerprint(sessions) %}
{# Fingerprint of one session's metrics, in the history of a later decision. #}
left(md5(concat_ws(
    '|'
    {%- for metric in metrics() %}, coalesce(cast({{ sessions }}.{{ metric.name }} as varchar), '-'){% endfor %}
)), 12)
{% endmacro %}


{% macro own_fingerprint(sessions) %}
{# Fingerprint of all that the decision of a session reads from the session's own row. #}
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


{% macro longest_window() %}
{# How many sessions back a decision can read. #}
{% do return(measures() | map(attribute='window') | max) %}
{% endmacro %}
