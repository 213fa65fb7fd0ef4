-- sessions that lack a metric that their curriculum looks at
with

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

metrics_of_curricula as (

    select
        curriculum,
        list(metric) as metrics
    from {{ ref('curriculum_metrics') }}
    group by curriculum

),

lacking as (

    select
        sessions.session_key,
        list_filter(
            [
                {%- for metric in metrics() %}
                case when list_contains(looked_at.metrics, '{{ metric.name }}') and sessions.{{ metric.name }} is null then '{{ metric.name }}' end
                {{- ',' if not loop.last }}
                {%- endfor %}
            ],
            lambda metric: metric is not null
        ) as metrics_missing
    from sessions
    inner join curricula on {{ same_curriculum('sessions', 'curricula') }}
    inner join metrics_of_curricula as looked_at on curricula.curriculum = looked_at.curriculum
    where
        {% for metric in metrics() -%}
        sessions.{{ metric.name }} is null{{ ' or ' if not loop.last }}
        {%- endfor %}

),

final as (

    select * from lacking
    where len(metrics_missing) > 0

)

select * from final
