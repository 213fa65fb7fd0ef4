{% macro columns_read() %}
{% set columns = {
    'subject_id': ['subject_id'],
    'session': ['session'],
    'session_date': ['session_date'],
    'task': ['task'],
    'curriculum_name': ['curriculum_name'],
    'curriculum_version': ['curriculum_version'],
    'curriculum_schema_version': ['curriculum_schema_version'],
    'reported_stage': ['current_stage_actual'],
    'reported_override': ['if_overriden_by_trainer'],
    'trainer': ['user_name', 'trainer'],
    'rig': ['rig'],
    'weight_after': ['weight_after'],
    'water_in_session_total': ['water_in_session_total'],
    'bias_naive': ['bias_naive'],
} %}
{% for metric in metrics() %}{% do columns.update({metric.name: metric.columns}) %}{% endfor %}
{% do return(columns) %}
{% endmacro %}
