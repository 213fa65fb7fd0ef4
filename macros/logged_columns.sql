{% macro logged_columns() %}
{% do return({
    'subject_id': 'varchar', 'session': 'bigint', 'session_date': 'date', 'curriculum_name': 'varchar',
    'curriculum_version': 'varchar', 'curriculum_schema_version': 'varchar', 'finished_trials': 'double',
    'foraging_efficiency': 'double', 'current_stage_suggested': 'varchar', 'current_stage_actual': 'varchar',
    'decision': 'varchar', 'next_stage_suggested': 'varchar', 'matched_rule': 'integer', 'directive': 'varchar',
    'run_id': 'varchar', 'first_published_at': 'timestamp',
}) %}
{% endmacro %}
