{% macro decision_of(decisions, rules) %}
case
    when {{ rules }}.decision is not null then {{ rules }}.decision
    when {{ decisions }}.direction > 0 then 'PROGRESS'
    when {{ decisions }}.direction < 0 then 'ROLLBACK'
    else 'STAY'
end
{% endmacro %}
