{# Written by `make curricula` from curricula/tasks: never edited by hand. #}
{% macro metrics() %}
{% do return([
    {'name': 'finished_trials', 'columns': ['finished_trials'], 'tasks': ['dynamic_foraging']},
    {'name': 'foraging_efficiency', 'columns': ['foraging_efficiency', 'foraging_eff'], 'tasks': ['dynamic_foraging']},
    {'name': 'dummy_metric_int', 'columns': ['dummy_metric_int'], 'tasks': ['dummy']},
    {'name': 'dummy_metric_float', 'columns': ['dummy_metric_float'], 'tasks': ['dummy']},
]) %}
{% endmacro %}
