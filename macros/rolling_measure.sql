{% macro rolling_measure(measure) %}
{%- set metric, n = measure.metric, measure.window -%}
{%- if measure.statistic == 'last' -%}
    {{ metric }}
{%- elif measure.statistic == 'mean' -%}
    ({% for back in range(n - 1, 0, -1) %}lag({{ metric }}, {{ back }}, 0.0) over history + {% endfor %}{{ metric }})
    / least({{ n }}, row_number() over history)
{%- else -%}
    case
        when count({{ metric }}) over (history rows {{ n - 1 }} preceding) = least({{ n }}, row_number() over history)
            then {{ measure.statistic }}({{ metric }}) over (history rows {{ n - 1 }} preceding)
    end
{%- endif -%}
{% endmacro %}
