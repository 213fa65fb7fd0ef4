{% macro metrics_there() %}
{% set types = lake_columns('df_behavior') %}
{% set names = [] %}
{% for metric in metrics() if not metric.formula and sources_of(types, metric.columns) %}
    {% do names.append(metric.name) %}
{% endfor %}
{% for metric in metrics() if metric.formula and metric.operands | reject('in', names) | list | length == 0 %}
    {% do names.append(metric.name) %}
{% endfor %}
{% do return(names) %}
{% endmacro %}
