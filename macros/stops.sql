{% macro stops(gate, limit) %}
{#- of the rows found, each of which says of how many (`counted`) they are `percent`; a gate that was let through warns -#}
{% if let_through(gate) %}{% do return('< 0') %}{% endif %}
{% do return('> 0 and max(percent) > ' ~ var(limit) ~ ' and max(counted) >= ' ~ var('fewest_to_stop')) %}
{% endmacro %}
