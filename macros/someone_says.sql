{% macro someone_says(directive) %}
{% if not execute %}{% do return(false) %}{% endif %}
{% set said = "select count(*) from " ~ ref('stg_people__directives') ~ " where applied_as = " ~ literal(directive) %}
{% do return(run_query(said).rows[0][0] > 0) %}
{% endmacro %}
