{% macro literal(text) %}'{{ text | replace("'", "''") }}'{% endmacro %}


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


{% macro files_of_lake(file) %}
{% do return("read_blob(getvariable('" ~ file ~ "_as_named'))" if execute else '(select 1)') %}
{% endmacro %}


{% macro folder_keys(file) %}
{% set found = run_query("
    select distinct unnest(regexp_extract_all(file, '([A-Za-z_][A-Za-z0-9_]*)=[^/]*/', 1))
    from glob(getvariable('" ~ file ~ "'))
    where not starts_with(file, 'http')
") %}
{% do return(found.columns[0].values() | list) %}
{% endmacro %}


{% macro quoted(name) %}"{{ name | replace('"', '""') }}"{% endmacro %}


{% macro sources_of(types, names) %}
{% set found = [] %}
{% for name in names %}
    {% if name in types %}
        {% do found.append({'sql': quoted(name), 'type': types[name], 'column': name}) %}
    {% else %}
        {#- DuckDB calls the second of `Session` and `session` in a file `session_1`; an exact name wins -#}
        {% for other in types if other | lower == name | lower %}
            {% if name ~ '_1' in types %}
                {% do found.append({'sql': quoted(name ~ '_1'), 'type': types[name ~ '_1'], 'column': name ~ '_1'}) %}
            {% endif %}
            {% do found.append({'sql': quoted(other), 'type': types[other], 'column': other}) %}
        {% endfor %}
    {% endif %}
    {% for other in types if other | lower == name ~ '__folder' %}
        {% do found.append({'sql': quoted(other), 'type': 'VARCHAR', 'column': other}) %}
    {% endfor %}
{% endfor %}
{% do return(found) %}
{% endmacro %}


{% macro as_text(source) %}
{% if source.type == 'VARCHAR' %}
    {% do return("nullif(nullif(" ~ source.sql ~ ", ''), 'None')") %}
{% endif %}
{% do return("cast(" ~ source.sql ~ " as varchar)") %}
{% endmacro %}


{% macro text_column(types, names) %}
{% set texts = [] %}
{% for source in sources_of(types, names) %}{% do texts.append(as_text(source)) %}{% endfor %}
{% if not texts %}
    {% do return("cast(null as varchar)") %}
{% endif %}
{% do return(texts[0] if texts | length == 1 else "coalesce(" ~ texts | join(', ') ~ ")") %}
{% endmacro %}


{% macro is_numeric_type(type) %}
{% do return(type.split('(')[0] in [
    'DOUBLE', 'FLOAT', 'DECIMAL', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT',
    'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT', 'BOOLEAN',
]) %}
{% endmacro %}


{% macro as_number(source) %}
{% do return(
    "cast(" ~ source.sql ~ " as double)" if is_numeric_type(source.type)
    else "try_cast(" ~ as_text(source) ~ " as double)"
) %}
{% endmacro %}


{% macro first_with_value(sources, values, otherwise) %}
{% if not sources %}
    {% do return(otherwise) %}
{% endif %}
{% if sources | length == 1 %}
    {% do return(values[0]) %}
{% endif %}
{% set whens = [] %}
{% for source in sources %}
    {% set number = as_number(source) %}
    {% do whens.append(
        "when " ~ as_text(source) ~ " is not null and not coalesce(isnan(" ~ number ~ "), false) then " ~ values[loop.index0]
    ) %}
{% endfor %}
{% do return("case " ~ whens | join(' ') ~ " else " ~ otherwise ~ " end") %}
{% endmacro %}


{% macro number_column(types, names) %}
{% set sources = sources_of(types, names) %}
{% set values = [] %}
{% for source in sources %}
    {% set number = as_number(source) %}
    {% do values.append("case when isfinite(" ~ number ~ ") then " ~ number ~ " end") %}
{% endfor %}
{% do return(first_with_value(sources, values, "cast(null as double)")) %}
{% endmacro %}


{% macro number_is_wrong(types, names) %}
{% set sources = sources_of(types, names) %}
{% set values = [] %}
{% for source in sources %}
    {% set number = as_number(source) %}
    {% do values.append(
        "coalesce(isinf(" ~ number ~ "), false)" if is_numeric_type(source.type)
        else "(" ~ as_text(source) ~ " is not null and coalesce(isinf(" ~ number ~ "), true))"
    ) %}
{% endfor %}
{% do return(first_with_value(sources, values, "false")) %}
{% endmacro %}


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


{% macro day_of_text(text) %}
{% do return("case"
    ~ " when regexp_full_match(" ~ text ~ ", '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(" ~ text ~ " as date)"
    ~ " when regexp_full_match(" ~ text ~ ", '[0-9]{4}/[0-9]{2}/[0-9]{2}') then cast(try_strptime(" ~ text ~ ", '%Y/%m/%d') as date)"
    ~ " when regexp_full_match(" ~ text ~ ", '[0-9]{8}') then cast(try_strptime(" ~ text ~ ", '%Y%m%d') as date)"
    ~ " end") %}
{% endmacro %}


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
