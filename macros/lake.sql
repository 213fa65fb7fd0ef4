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
{# the variable, not what it holds: a URL may carry a signature, and compiled SQL is written down #}
{% do return("read_parquet(getvariable('" ~ file ~ "'), union_by_name = true)" if execute else '(select 1)') %}
{% endmacro %}


{% macro files_of_lake(file) %}
{% do return("read_blob(getvariable('" ~ file ~ "'))" if execute else '(select 1)') %}
{% endmacro %}


{% macro first_column(types, names) %}
{% for name in names if name in types %}
    {% do return(name) %}
{% endfor %}
{% do return(none) %}
{% endmacro %}


{% macro text_column(types, names) %}
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
{% set column = first_column(types, names) %}
{% if column is none %}
    {% do return("cast(null as double)") %}
{% endif %}
{% set number = "cast(" ~ column ~ " as double)" if is_numeric_type(types[column])
    else "try_cast(cast(" ~ column ~ " as varchar) as double)" %}
{% do return("case when isfinite(" ~ number ~ ") then " ~ number ~ " end") %}
{% endmacro %}


{% macro number_is_wrong(types, names) %}
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
