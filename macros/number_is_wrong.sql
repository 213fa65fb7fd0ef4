{% macro number_is_wrong(types, names) %}
{% set sources = sources_of(types, names) %}
{% set values = [] %}
{% for source in sources %}
    {% set number = as_number(source) %}
    {% do values.append(
        "coalesce(isinf(" ~ number ~ "), false)" if is_numeric_type(source.type)
        else "(" ~ as_text(source) ~ " is not null and coalesce(isinf(" ~ number ~ "), true))"
    ) %}
{% endfor %}
{% do return(first_with_value(sources, values, "false")) %}
{% endmacro %}
