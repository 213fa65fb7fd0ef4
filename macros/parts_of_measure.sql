{% macro parts_of_measure(measure) %}
case {{ measure }}
    {%- for metric in metrics() if metric.formula %}
    when '{{ metric.name }}__last' then {{ metric.parts }}
    {%- endfor %}
    when '' then cast(null as varchar)
end
{% endmacro %}
