{% macro sign_of(operator) %}
case {{ operator }}
    when '>=' then '≥' when '<=' then '≤' when '==' then '=' when '!=' then '≠' else {{ operator }}
end
{% endmacro %}
