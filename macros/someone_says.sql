{% macro someone_says(directive) %}
{% if not execute %}{% do return(false) %}{% endif %}
{% set said = "select contains(lower(getvariable('directive_lines')), " ~ literal(directive) ~ ")" %}
{% do return(run_query(said).rows[0][0]) %}
{% endmacro %}
