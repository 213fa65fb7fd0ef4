{# Written by `make curricula` from curricula/library: never edited by hand. #}
{% macro measures() %}
{% do return([
    {'name': 'finished_trials__last', 'metric': 'finished_trials', 'window': 1, 'sql': 'finished_trials'},
    {'name': 'finished_trials__mean_2', 'metric': 'finished_trials', 'window': 2, 'sql': '(lag(finished_trials, 1, 0.0) over history + finished_trials) / least(2, row_number() over history)'},
    {'name': 'finished_trials__mean_5', 'metric': 'finished_trials', 'window': 5, 'sql': '(lag(finished_trials, 4, 0.0) over history + lag(finished_trials, 3, 0.0) over history + lag(finished_trials, 2, 0.0) over history + lag(finished_trials, 1, 0.0) over history + finished_trials) / least(5, row_number() over history)'},
    {'name': 'foraging_efficiency__last', 'metric': 'foraging_efficiency', 'window': 1, 'sql': 'foraging_efficiency'},
    {'name': 'foraging_efficiency__mean_2', 'metric': 'foraging_efficiency', 'window': 2, 'sql': '(lag(foraging_efficiency, 1, 0.0) over history + foraging_efficiency) / least(2, row_number() over history)'},
    {'name': 'foraging_efficiency__mean_5', 'metric': 'foraging_efficiency', 'window': 5, 'sql': '(lag(foraging_efficiency, 4, 0.0) over history + lag(foraging_efficiency, 3, 0.0) over history + lag(foraging_efficiency, 2, 0.0) over history + lag(foraging_efficiency, 1, 0.0) over history + foraging_efficiency) / least(5, row_number() over history)'},
    {'name': 'dummy_metric_int__last', 'metric': 'dummy_metric_int', 'window': 1, 'sql': 'dummy_metric_int'},
    {'name': 'dummy_metric_int__mean_5', 'metric': 'dummy_metric_int', 'window': 5, 'sql': '(lag(dummy_metric_int, 4, 0.0) over history + lag(dummy_metric_int, 3, 0.0) over history + lag(dummy_metric_int, 2, 0.0) over history + lag(dummy_metric_int, 1, 0.0) over history + dummy_metric_int) / least(5, row_number() over history)'},
    {'name': 'dummy_metric_float__last', 'metric': 'dummy_metric_float', 'window': 1, 'sql': 'dummy_metric_float'},
    {'name': 'dummy_metric_float__mean_5', 'metric': 'dummy_metric_float', 'window': 5, 'sql': '(lag(dummy_metric_float, 4, 0.0) over history + lag(dummy_metric_float, 3, 0.0) over history + lag(dummy_metric_float, 2, 0.0) over history + lag(dummy_metric_float, 1, 0.0) over history + dummy_metric_float) / least(5, row_number() over history)'},
]) %}
{% endmacro %}
