{# Written by `make curricula` from models/_df_manager__models.yml: never edited by hand. #}
{% macro contract_of_df_manager() %}
{% do return([
    {'name': 'subject_id', 'type': 'varchar', 'tags': ['logged', 'readers']},
    {'name': 'session_date', 'type': 'date', 'tags': ['logged', 'recorded', 'readers']},
    {'name': 'session', 'type': 'bigint', 'tags': ['logged', 'readers']},
    {'name': 'task', 'type': 'varchar', 'tags': ['recorded', 'readers']},
    {'name': 'curriculum_name', 'type': 'varchar', 'tags': ['logged', 'recorded', 'readers']},
    {'name': 'curriculum_version', 'type': 'varchar', 'tags': ['logged', 'recorded', 'readers']},
    {'name': 'curriculum_schema_version', 'type': 'varchar', 'tags': ['logged', 'recorded', 'readers']},
    {'name': 'session_at_current_stage', 'type': 'bigint', 'tags': ['readers']},
    {'name': 'finished_trials', 'type': 'double', 'tags': ['logged', 'recorded', 'readers']},
    {'name': 'foraging_efficiency', 'type': 'double', 'tags': ['logged', 'recorded', 'readers']},
    {'name': 'current_stage_suggested', 'type': 'varchar', 'tags': ['logged', 'readers']},
    {'name': 'current_stage_actual', 'type': 'varchar', 'tags': ['logged', 'readers']},
    {'name': 'decision', 'type': 'varchar', 'tags': ['logged', 'readers']},
    {'name': 'next_stage_suggested', 'type': 'varchar', 'tags': ['logged', 'readers']},
    {'name': 'next_parameters', 'type': 'varchar', 'tags': ['logged']},
    {'name': 'if_closed_loop', 'type': 'boolean', 'tags': ['readers']},
    {'name': 'if_overriden_by_trainer', 'type': 'boolean', 'tags': ['readers']},
    {'name': 'matched_rule', 'type': 'integer', 'tags': ['logged']},
    {'name': 'directive_kind', 'type': 'varchar', 'tags': ['logged']},
    {'name': 'directive', 'type': 'varchar', 'tags': ['logged']},
    {'name': 'run_id', 'type': 'varchar', 'tags': ['logged']},
    {'name': 'first_published_at', 'type': 'timestamp', 'tags': ['logged']},
    {'name': 'inputs_read', 'type': 'varchar', 'tags': []},
]) %}
{% endmacro %}
