{% macro lake_columns(file) %}
{% set types = {} %}
{% if execute %}
    {% if run_query("select getvariable('" ~ file ~ "') is not null").rows[0][0] %}
        {% set described = run_query("describe from " ~ read_lake(file)) %}
        {% for row in described.rows %}
            {% do types.update({row[0]: row[1]}) %}
        {% endfor %}
    {% endif %}
{% endif %}
{% do return(types) %}
{% endmacro %}
