{% macro as_number(source) %}
{% do return(
    "cast(" ~ source.sql ~ " as double)" if is_numeric_type(source.type)
    else "try_cast(" ~ as_text(source) ~ " as double)"
) %}
{% endmacro %}
