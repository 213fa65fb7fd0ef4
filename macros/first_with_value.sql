{% macro first_with_value(sources, values, otherwise) %}
{% if not sources %}
    {% do return(otherwise) %}
{% endif %}
{% if sources | length == 1 %}
    {% do return(values[0]) %}
{% endif %}
{% set whens = [] %}
{% for source in sources %}
    {% set number = as_number(source) %}
    {% do whens.append(
        "when " ~ as_text(source) ~ " is not null and not coalesce(isnan(" ~ number ~ "), false) then " ~ values[loop.index0]
    ) %}
{% endfor %}
{% do return("case " ~ whens | join(' ') ~ " else " ~ otherwise ~ " end") %}
{% endmacro %}
