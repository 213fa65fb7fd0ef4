{% macro as_text(source) %}
{% if source.type == 'VARCHAR' %}
    {% do return("nullif(nullif(" ~ source.sql ~ ", ''), 'None')") %}
{% endif %}
{% do return("cast(" ~ source.sql ~ " as varchar)") %}
{% endmacro %}
