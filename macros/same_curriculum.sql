{% macro same_curriculum(one, other) -%}
{{ one }}.curriculum_name = {{ other }}.curriculum_name
and {{ one }}.curriculum_version = {{ other }}.curriculum_version
and {{ one }}.curriculum_schema_version = {{ other }}.curriculum_schema_version
{%- endmacro %}
