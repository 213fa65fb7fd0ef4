{% macro decision_of(decisions, rules) %}
case
    when {{ rules }}.decision is not null then {{ rules }}.decision
    when {{ decisions }}.next_stage_key > {{ decisions }}.actual_stage_key then 'PROGRESS'
    when {{ decisions }}.next_stage_key < {{ decisions }}.actual_stage_key then 'ROLLBACK'
    else 'STAY'
end
{% endmacro %}
