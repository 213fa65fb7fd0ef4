{#- what a decision at a stage looks at, beside the numbers of its session: names, and their places among all measures -#}
{%- set names = measures() | map(attribute='name') | list %}

with

comparisons as (

    select * from {{ ref('int_curricula__comparisons') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

looked_at as (

    select
        rules.curriculum_key,
        rules.stage,
        comparisons.measure
    from comparisons
    inner join rules on comparisons.rule_key = rules.rule_key

    {%- for policy in policies() %}

    union all

    select
        curriculum_key,
        {{ literal(policy.stage) }} as stage,
        unnest({{ policy.measures }}) as measure
    from curricula
    where curriculum = {{ literal(policy.curriculum) }}
    {%- endfor %}

),

measured as (

    select distinct
        *,
        list_position({{ names }}, measure) as place
    from looked_at
    where measure in ({% for name in names %}{{ literal(name) }}{{ ', ' if not loop.last }}{% endfor %})

),

final as (

    select
        curriculum_key,
        stage,
        list(measure order by place) as measures,
        list(place order by place) as places
    from measured
    group by
        curriculum_key,
        stage

)

select * from final
