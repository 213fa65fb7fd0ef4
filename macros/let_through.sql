{% macro let_through(gate = none) %}
{% set given = var('let_through') %}
{% for one in given %}
    {% for key in ['gate', 'who', 'why'] if not one[key] %}
        {% do exceptions.raise_compiler_error("let_through: " ~ one ~ " has no " ~ key) %}
    {% endfor %}
{% endfor %}
{% if gate is not none %}
    {% do return(gate in given | map(attribute='gate')) %}
{% endif %}
{% if execute and given %}
    {% set gates = [] %}
    {% for node in graph.get('nodes', {}).values() if node.config.get('meta', {}).get('gate') %}
        {% do gates.append(node.config.meta.gate) %}
    {% endfor %}
    {% for one in given if one.gate not in gates %}
        {% do exceptions.raise_compiler_error(one.gate ~ " is not a gate; gates are " ~ gates | sort | join(', ')) %}
    {% endfor %}
{% endif %}
{% do return(given) %}
{% endmacro %}
