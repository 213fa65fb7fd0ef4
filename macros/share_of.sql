{% macro share_of(part, whole) %}
cast(ceil(100.0 * (select count(*) from {{ part }} as part_of_it) / (select count(*) from {{ whole }} as whole_of_it)) as integer)
            as percent,
        (select count(*) from {{ whole }} as whole_of_it) as counted
{%- endmacro %}
