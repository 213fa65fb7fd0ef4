{# Written by scripts/compile_curricula.py from curricula/: never edited by hand. #}

{% macro metrics() %}
{% do return([
    {'name': 'finished_trials', 'columns': ['finished_trials'], 'tasks': ['dynamic_foraging']},
    {'name': 'foraging_efficiency', 'columns': ['foraging_efficiency', 'foraging_eff'], 'tasks': ['dynamic_foraging']},
    {'name': 'dummy_metric_int', 'columns': ['dummy_metric_int'], 'tasks': ['dummy']},
    {'name': 'dummy_metric_float', 'columns': ['dummy_metric_float'], 'tasks': ['dummy']},
]) %}
{% endmacro %}

{% macro measures() %}
{% do return([
    {'name': 'finished_trials__last', 'metric': 'finished_trials', 'statistic': 'last', 'window': 1},
    {'name': 'finished_trials__mean_2', 'metric': 'finished_trials', 'statistic': 'mean', 'window': 2},
    {'name': 'finished_trials__mean_5', 'metric': 'finished_trials', 'statistic': 'mean', 'window': 5},
    {'name': 'foraging_efficiency__last', 'metric': 'foraging_efficiency', 'statistic': 'last', 'window': 1},
    {'name': 'foraging_efficiency__mean_2', 'metric': 'foraging_efficiency', 'statistic': 'mean', 'window': 2},
    {'name': 'foraging_efficiency__mean_5', 'metric': 'foraging_efficiency', 'statistic': 'mean', 'window': 5},
    {'name': 'dummy_metric_int__last', 'metric': 'dummy_metric_int', 'statistic': 'last', 'window': 1},
    {'name': 'dummy_metric_int__mean_5', 'metric': 'dummy_metric_int', 'statistic': 'mean', 'window': 5},
    {'name': 'dummy_metric_float__last', 'metric': 'dummy_metric_float', 'statistic': 'last', 'window': 1},
    {'name': 'dummy_metric_float__mean_5', 'metric': 'dummy_metric_float', 'statistic': 'mean', 'window': 5},
]) %}
{% endmacro %}
