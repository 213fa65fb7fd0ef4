{% macro stops(gate, limit) %}
{#- `failures` is a percentage of what is counted; a gate that was let through warns -#}
{% if let_through(gate) %}{% do return('< 0') %}{% endif %}
{% do return('> ' ~ var(limit) ~ ' and max(counted) >= ' ~ var('fewest_to_stop')) %}
{% endmacro %}
