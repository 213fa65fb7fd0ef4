{% macro read_lake(file) %}
{% if not execute %}{% do return('(select 1)') %}{% endif %}
{#- the variable, not what it holds: a URL may carry a signature, and compiled SQL is written down -#}
{% set files = "getvariable('" ~ file ~ "')" %}
{#- a folder `session=3` must not overwrite what files say: its value is a column `session__folder`, and only for those
    files that have no such column of their own -#}
{% set of_folders = [] %}
{% for key in folder_keys(file) %}
    {% set has_column = "select file_name from parquet_schema(" ~ files ~ ") where lower(name) = " ~ literal(key | lower) %}
    {% set value = "url_decode(regexp_extract(__path, '/' || " ~ literal(key) ~ " || '=([^/]*)/', 1))" %}
    {% do of_folders.append(
        "case when __path not in (" ~ has_column ~ ") then nullif(" ~ value ~ ", '__HIVE_DEFAULT_PARTITION__') end as "
        ~ quoted(key ~ '__folder')
    ) %}
{% endfor %}
{% set read = "read_parquet(" ~ files ~ ", union_by_name = true, hive_partitioning = false" %}
{% if of_folders %}
    {% do return("(select *, " ~ of_folders | join(', ') ~ " from " ~ read ~ ", filename = '__path'))") %}
{% endif %}
{% do return(read ~ ")") %}
{% endmacro %}
