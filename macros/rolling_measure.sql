{% macro rolling_measure(measure) %}
{#
    A measure over the window `history` (one subject's sessions in their order), in the order of additions that
    SEMANTICS 7 fixes: from the oldest to the newest, then divided by the count. `avg() over` adds otherwise and skips
    missing values. lag()'s default stands in for sessions before the first; a missing value makes the sum missing.
#}
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
