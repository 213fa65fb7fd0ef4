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


{% macro number_of_policy(given, is_whole) %}
{#- what is not finite is missing, and -0 is 0: `list_transform` computes the expression once -#}
{% set number = 'round_even(v, 0)' if is_whole else 'v' %}
{% do return(
    "list_transform([" ~ given ~ "], lambda v: case when isfinite(v) then if(v = 0, 0e0, " ~ number ~ ") end)[1]"
) %}
{% endmacro %}


{% macro text_of_policy(number, is_whole) %}
{% do return("cast(" ~ ("try_cast(" ~ number ~ " as bigint)" if is_whole else number) ~ " as varchar)") %}
{% endmacro %}
