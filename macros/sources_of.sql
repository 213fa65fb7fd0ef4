{% macro sources_of(types, names) %}
{% set found = [] %}
{% for name in names %}
    {% if name in types %}
        {% do found.append({'sql': quoted(name), 'type': types[name], 'column': name}) %}
    {% else %}
        {#- DuckDB calls the second of `Session` and `session` in a file `session_1`; an exact name wins -#}
        {% for other in types if other | lower == name | lower %}
            {% if name ~ '_1' in types %}
                {% do found.append({'sql': quoted(name ~ '_1'), 'type': types[name ~ '_1'], 'column': name ~ '_1'}) %}
            {% endif %}
            {% do found.append({'sql': quoted(other), 'type': types[other], 'column': other}) %}
        {% endfor %}
    {% endif %}
    {% for other in types if other | lower == name ~ '__folder' %}
        {% do found.append({'sql': quoted(other), 'type': 'VARCHAR', 'column': other}) %}
    {% endfor %}
{% endfor %}
{% do return(found) %}
{% endmacro %}
