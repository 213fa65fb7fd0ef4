{% macro df_manager_columns(tag=none) %}
{% set types = {} %}
{% for column in contract_of_df_manager() if tag is none or tag in column.tags %}
    {% do types.update({column.name: column.type}) %}
{% endfor %}
{% do return(types) %}
{% endmacro %}
