{% macro number_column(types, names) %}
{% set sources = sources_of(types, names) %}
{% set values = [] %}
{% for source in sources %}
    {% set number = as_number(source) %}
    {% do values.append("case when isfinite(" ~ number ~ ") then " ~ number ~ " end") %}
{% endfor %}
{% do return(first_with_value(sources, values, "cast(null as double)")) %}
{% endmacro %}
