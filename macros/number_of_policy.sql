{% macro number_of_policy(given, is_whole) %}
{#- what is not finite is missing, and -0 is 0: `list_transform` computes the expression once -#}
{% set number = 'round_even(v, 0)' if is_whole else 'v' %}
{% do return(
    "list_transform([" ~ given ~ "], lambda v: case when isfinite(v) then if(v = 0, 0e0, " ~ number ~ ") end)[1]"
) %}
{% endmacro %}
