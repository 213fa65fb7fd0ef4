{% test unique_together(model, columns) %}
{# The grain of a model whose key has several columns: no two rows agree in all of them. #}
select
    {{ columns | join(', ') }},
    count(*) as times
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
