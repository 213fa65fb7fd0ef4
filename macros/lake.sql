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
{% set paths = fromjson(run_query("select cast(to_json(getvariable('" ~ file ~ "')) as varchar)").rows[0][0]) %}
{% if paths is string %}
    {% do return("read_parquet(" ~ literal(paths) ~ ", union_by_name = true)") %}
{% endif %}
{% set literals = [] %}
{% for path in paths %}{% do literals.append(literal(path)) %}{% endfor %}
{% do return("read_parquet([" ~ literals | join(', ') ~ "], union_by_name = true)") %}
{% endmacro %}


{% macro files_of_lake(file) %}
{% if not execute %}{% do return('(select 1)') %}{% endif %}
{% set path = run_query("select getvariable('" ~ file ~ "')").rows[0][0] %}
{% do return("read_blob(" ~ literal(path) ~ ")") %}
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
