{% macro value_of_measure(measure, measures_of, at_stage) %}
case {{ measure }}
    when 'session_total' then {{ measures_of }}.session_total
    when 'session_at_current_stage' then {{ at_stage }}
    {%- for measured in measures() %}
    when '{{ measured.name }}' then {{ measures_of }}.{{ measured.name }}
    {%- endfor %}
end
{% endmacro %}
