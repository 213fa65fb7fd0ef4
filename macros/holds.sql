{% macro holds(measured, operator, threshold) %}
coalesce(
    case {{ operator }}
        when '>=' then {{ measured }} >= {{ threshold }}
        when '>' then {{ measured }} > {{ threshold }}
        when '<=' then {{ measured }} <= {{ threshold }}
        when '<' then {{ measured }} < {{ threshold }}
        when '==' then {{ measured }} = {{ threshold }}
        when '!=' then {{ measured }} <> {{ threshold }}
    end,
    false
)
{% endmacro %}
