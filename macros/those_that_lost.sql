{% macro those_that_lost(column, counted) %}
with

counted as (

    select
        subject_id,
        {{ column }}
    from {{ ref('int_sessions__new') }}
    where {{ counted }}

),

lost as (

    select subject_id from counted
    where not {{ column }}

),

final as (

    select
        subject_id,
        {{ share_of('lost', 'counted') }}
    from lost

)

select * from final
{% endmacro %}
