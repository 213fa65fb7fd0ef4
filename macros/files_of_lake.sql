{% macro files_of_lake(file) %}
{% do return("read_blob(getvariable('" ~ file ~ "_as_named'))" if execute else '(select 1)') %}
{% endmacro %}
