{% macro text_column(types, names) %}
{% set texts = [] %}
{% for source in sources_of(types, names) %}{% do texts.append(as_text(source)) %}{% endfor %}
{% if not texts %}
    {% do return("cast(null as varchar)") %}
{% endif %}
{% do return(texts[0] if texts | length == 1 else "coalesce(" ~ texts | join(', ') ~ ")") %}
{% endmacro %}
