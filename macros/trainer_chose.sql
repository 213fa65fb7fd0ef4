{% macro trainer_chose(reported_override, reported, told) %}
coalesce({{ reported_override }}, {{ reported }} <> {{ told }}, false)
{% endmacro %}
