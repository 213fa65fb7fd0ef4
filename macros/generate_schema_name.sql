{% macro generate_schema_name(custom_schema_name, node) %}
{# Rooms of the house as schemas: staging, intermediate, marts, exports, seeds, without the target's name before them. #}
{{ custom_schema_name or target.schema }}
{% endmacro %}
