with

comparisons as (

    select * from {{ ref('curriculum_comparisons') }}

),

measures as (

    {% for measure in measures() -%}
    select
        {{ literal(measure.name) }} as measure,
        {{ literal(measure.metric) }} as metric
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select distinct
        comparisons.curriculum,
        measures.metric
    from comparisons
    inner join measures on comparisons.measure = measures.measure

)

select * from final
