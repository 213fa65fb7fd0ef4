{% macro folder_keys(file) %}
{% set found = run_query("
    select distinct unnest(regexp_extract_all(file, '([A-Za-z_][A-Za-z0-9_]*)=[^/]*/', 1))
    from glob(getvariable('" ~ file ~ "'))
    where not starts_with(file, 'http')
") %}
{% do return(found.columns[0].values() | list) %}
{% endmacro %}
