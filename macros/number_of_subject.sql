{% macro number_of_subject(subject_id) %}
ltrim(regexp_replace({{ subject_id }}, '[.][0-9]*$', ''), '0')
{% endmacro %}
