with

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

curricula as (

    select * from {{ ref('curricula') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

final as (

    select
        sessions.session_key,
        sessions.subject_key,
        sessions.session,
        curricula.curriculum_key,
        stages.stage_key as reported_stage_key,
        -- a metric that is no number stops the session only where its curriculum looks at it
        {% for metric in metrics() -%}
        (curricula.task in ({% for task in metric.tasks %}{{ literal(task) }}{{ ', ' if not loop.last }}{% endfor %})
            and sessions.{{ metric.name }}__is_wrong){{ ' or ' if not loop.last }}
        {%- endfor %} as has_wrong_metric,
        cast(sessions.session as double) as session_total
        {%- for measure in measures() %},
        {{ rolling_measure(measure) }} as {{ measure.name }}
        {%- endfor %}
    from sessions
    left join curricula
        on
            sessions.curriculum_name = curricula.curriculum_name
            and sessions.curriculum_version = curricula.curriculum_version
            and sessions.curriculum_schema_version = curricula.curriculum_schema_version
    left join stages on sessions.reported_stage = stages.stage
    window history as (partition by sessions.subject_key order by sessions.session)

)

select * from final
