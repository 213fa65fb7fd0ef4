{% macro percent_of(part, whole) %}
case
    when (select count(*) from {{ part }} as counted) < {{ var('fewest_to_stop') }} then 1
    else cast(ceil(100.0 * (select count(*) from {{ part }} as part_of_it) / (select count(*) from {{ whole }} as whole_of_it)) as integer)
end
{% endmacro %}
