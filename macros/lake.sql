{#
    The files of the lake as SQL. Their paths are DuckDB variables that scripts/dbt_plugin.py sets at connecting.
#}

{% macro literal(text) %}'{{ text | replace("'", "''") }}'{% endmacro %}


{% macro lake_columns(file) %}
{# Names and types of a file's columns, {} where the file does not exist (the first night has no df_manager). #}
{% set types = {} %}
{% if execute %}
    {% set found = run_query("select count(*) from glob(getvariable('" ~ file ~ "'))") %}
    {% if found.rows[0][0] > 0 or file == 'df_behavior' %}
        {% set described = run_query("describe from " ~ read_lake(file)) %}
        {% for row in described.rows %}
            {% do types.update({row[0]: row[1]}) %}
        {% endfor %}
    {% endif %}
{% endif %}
{% do return(types) %}
{% endmacro %}


{% macro read_lake(file) %}
{# The path stands in the text, not as the variable, so that a view over it works in any reader's connection. #}
{% if not execute %}{% do return('(select 1)') %}{% endif %}
{% set path = run_query("select getvariable('" ~ file ~ "')").rows[0][0] %}
{% do return("read_parquet(" ~ literal(path) ~ ", union_by_name = true)") %}
{% endmacro %}


{% macro first_column(types, names) %}
{# The first of these columns that the table has; none where it has none of them. #}
{% for name in names if name in types %}
    {% do return(name) %}
{% endfor %}
{% do return(none) %}
{% endmacro %}


{% macro text_column(types, names) %}
{# A column as text: '' and 'None' are missing, and so is a column that is absent. #}
{% set column = first_column(types, names) %}
{% if column is none %}
    {% do return("cast(null as varchar)") %}
{% endif %}
{% set type = types[column] %}
{% if type == 'VARCHAR' %}
    {% do return("nullif(nullif(" ~ column ~ ", ''), 'None')") %}
{% endif %}
{% do return("cast(" ~ column ~ " as varchar)") %}
{% endmacro %}


{% macro is_numeric_type(type) %}
{% do return(type.split('(')[0] in [
    'DOUBLE', 'FLOAT', 'DECIMAL', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT',
    'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT', 'BOOLEAN',
]) %}
{% endmacro %}


{% macro number_column(types, names) %}
{# A column as double with NaN as missing; a text that is no number is missing too, see number_is_wrong. #}
{% set column = first_column(types, names) %}
{% if column is none %}
    {% do return("cast(null as double)") %}
{% endif %}
{% set number = "cast(" ~ column ~ " as double)" if is_numeric_type(types[column])
    else "try_cast(cast(" ~ column ~ " as varchar) as double)" %}
{% do return("case when isfinite(" ~ number ~ ") then " ~ number ~ " end") %}
{% endmacro %}


{% macro number_is_wrong(types, names) %}
{# True where the column holds something that is neither a number nor missing. #}
{% set column = first_column(types, names) %}
{% if column is none %}
    {% do return("false") %}
{% endif %}
{% if is_numeric_type(types[column]) %}
    {% do return("coalesce(isinf(cast(" ~ column ~ " as double)), false)") %}
{% endif %}
{% set text = "nullif(nullif(cast(" ~ column ~ " as varchar), ''), 'None')" %}
{% do return("(" ~ text ~ " is not null and coalesce(isinf(try_cast(" ~ text ~ " as double)), true))") %}
{% endmacro %}
