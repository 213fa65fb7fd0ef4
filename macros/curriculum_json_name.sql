{% macro curriculum_json_name(sessions) %}
{{ sessions }}.curriculum_name || '_curriculum_v' || {{ sessions }}.curriculum_version
|| '_schema_v' || {{ sessions }}.curriculum_schema_version || '.json'
{% endmacro %}
