{% macro date_of_text(text, zone) %}
{% set day = "([0-9]{4})-?([0-9]{2})-?([0-9]{2})" %}
{% set time = "([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})([.][0-9]+)?)?" %}
{% set offset = "(?: ?(Z|[+-][0-9]{2}):?([0-9]{2})?)?" %}
{% set iso = literal("^" ~ day ~ "[T ]" ~ time ~ offset ~ "$") %}
{% set parts = "regexp_extract(" ~ text ~ ", " ~ iso ~ ", ['y', 'm', 'd', 'hour', 'min', 'sec', 'fraction', 'zone', 'zone_min'])" %}
{#- an ISO timestamp is put together anew, because DuckDB does not read all its spellings -#}
{% set written = "p.y || '-' || p.m || '-' || p.d || ' ' || p.hour || ':' || p.min || ':' || if(p.sec = '', '00', p.sec) || p.fraction" %}
{% set offset = "if(p.zone = 'Z', '+00', p.zone) || ':' || if(p.zone_min = '', '00', p.zone_min)" %}
{% set date_of_parts = "if(p.zone = '', cast(try_cast(" ~ written ~ " as timestamp) as date), "
    ~ "cast(try_cast(" ~ written ~ " || " ~ offset ~ " as timestamptz) at time zone " ~ zone ~ " as date))" %}
{% do return("case"
    ~ " when regexp_matches(" ~ text ~ ", " ~ iso ~ ")"
    ~ " then list_transform([" ~ parts ~ "], lambda p: " ~ date_of_parts ~ ")[1]"
    ~ " else " ~ day_of_text(text)
    ~ " end") %}
{% endmacro %}
