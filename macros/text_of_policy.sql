{% macro text_of_policy(number, is_whole) %}
{% do return("cast(" ~ ("try_cast(" ~ number ~ " as bigint)" if is_whole else number) ~ " as varchar)") %}
{% endmacro %}
