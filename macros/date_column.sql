{% macro date_column(types, names) %}
{% set zone = literal(var('lab_time_zone')) %}
{% set dates = [] %}
{% for source in sources_of(types, names) %}
    {% if source.type == 'DATE' or source.type.startswith('TIMESTAMP') and source.type != 'TIMESTAMP WITH TIME ZONE' %}
        {% set date = "cast(" ~ source.sql ~ " as date)" %}
        {% do dates.append("case when isfinite(" ~ date ~ ") then " ~ date ~ " end") %}
    {% elif source.type == 'TIMESTAMP WITH TIME ZONE' %}
        {% set date = "cast(" ~ source.sql ~ " at time zone " ~ zone ~ " as date)" %}
        {% do dates.append("case when isfinite(" ~ source.sql ~ ") then " ~ date ~ " end") %}
    {% else %}
        {% do dates.append(date_of_text("trim(" ~ as_text(source) ~ ")", zone)) %}
    {% endif %}
{% endfor %}
{% do return("coalesce(" ~ dates | join(', ') ~ ")" if dates else "cast(null as date)") %}
{% endmacro %}
