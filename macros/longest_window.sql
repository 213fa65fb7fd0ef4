{% macro longest_window() %}
{% do return(measures() | map(attribute='window') | max) %}
{% endmacro %}
