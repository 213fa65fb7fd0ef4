{% macro of_policy(named, what) %}
case
    {%- for policy in policies() %}
    when
        {{ named }}.curriculum = {{ literal(policy.curriculum) }}
        and {{ named }}.stage = {{ literal(policy.stage) }}
        and {{ named }}.parameter = {{ literal(policy.parameter) }}
        then {{ number_of_policy(policy.sql, policy.is_whole) if what == 'sql' else policy[what] }}
    {%- else %}
    when false then cast(null as {{ 'double' if what == 'sql' else 'varchar' }})
    {%- endfor %}
end
{% endmacro %}
