{% macro shown_value(value) %}
coalesce(
    case when {{ value }} like '%.%' and length({{ value }}) > 8 then format('{:.6g}', try_cast({{ value }} as double)) end,
    {{ value }},
    'none'
)
{% endmacro %}
