{% macro curriculum_json_name(sessions) %}
{# Name of the file that the rigs load for a session's curriculum. #}
{{ sessions }}.curriculum_name || '_curriculum_v' || {{ sessions }}.curriculum_version
|| '_schema_v' || {{ sessions }}.curriculum_schema_version || '.json'
{% endmacro %}
