{% macro tests_not_selected() %}
{% set names = [] %}
{% if execute %}
    {% for node in graph.get('nodes', {}).values() if node.resource_type == 'test' and 'backtest' not in node.fqn %}
        {% if node.unique_id not in selected_resources %}{% do names.append(node.name) %}{% endif %}
    {% endfor %}
{% endif %}
{% do return(names) %}
{% endmacro %}
