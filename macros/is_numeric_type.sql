{% macro is_numeric_type(type) %}
{% do return(type.split('(')[0] in [
    'DOUBLE', 'FLOAT', 'DECIMAL', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT',
    'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT', 'BOOLEAN',
]) %}
{% endmacro %}
