{% macro measures_read(looked_at, measures_of) %}
case
    when {{ looked_at }}.measures is not null
        then map(
            {{ looked_at }}.measures,
            list_select(
                [{% for measure in measures() %}{{ measures_of }}.{{ measure.name }}{{ ', ' if not loop.last }}{% endfor %}],
                {{ looked_at }}.places
            )
        )
end
{% endmacro %}
