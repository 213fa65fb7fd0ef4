{% macro history_fingerprint(sessions) %}
left(md5(concat_ws(
    '|'
    {%- for metric in metrics() %}, coalesce(cast({{ sessions }}.{{ metric.name }} as varchar), '-'){% endfor %}
)), 12)
{% endmacro %}
