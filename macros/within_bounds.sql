{% macro within_bounds(sessions, clauses, measures) %}
{%- for measure in measures %}
({{ clauses }}.{{ measure }}__lower is null or {{ sessions }}.{{ measure }} >= {{ clauses }}.{{ measure }}__lower)
and ({{ clauses }}.{{ measure }}__upper is null or {{ sessions }}.{{ measure }} <= {{ clauses }}.{{ measure }}__upper)
{{- ' and ' if not loop.last }}
{%- endfor %}
{% endmacro %}
