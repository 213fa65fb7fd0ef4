{#- metrics of tasks that this table has no sessions of would make the window twice as wide -#}
{%- set there = metrics_there() %}

with

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

subjects as (

    select * from {{ ref('int_subjects') }}

),

standing as (

    select
        subject_id,
        session
    from {{ ref('int_decisions__standing') }}

),

-- whole numbers in place of texts make the window, and every later join, cheap
keyed as (

    select
        cast(sessions.session_key as integer) as session_key,
        subjects.subject_key,
        sessions.session,
        curricula.curriculum_key,
        stages.stage_key as reported_stage_key,
        standing.session is not null as has_standing_decision,
        -- a metric that is not a number stops the session only where its curriculum looks at it
        coalesce(
            {% for metric in metrics() if metric.name in there and not metric.formula -%}
            (curricula.task in ({% for task in metric.tasks %}{{ literal(task) }}{{ ', ' if not loop.last }}{% endfor %})
                and sessions.{{ metric.name }}__is_wrong){{ ' or ' if not loop.last }}
            {%- else %}false
            {%- endfor %},
            false
        ) as has_wrong_metric
        {%- for metric in metrics() if metric.name in there %},
        sessions.{{ metric.name }}
        {%- endfor %}
    from sessions
    inner join subjects on sessions.subject_id = subjects.subject_id
    left join curricula on {{ same_curriculum('sessions', 'curricula') }}
    left join stages
        on sessions.reported_stage = stages.stage and not coalesce(sessions.is_stage_of_another_task, false)
    left join standing on sessions.subject_id = standing.subject_id and sessions.session = standing.session

),

final as (

    select
        session_key,
        subject_key,
        session,
        cast(row_number() over history as integer) as place_in_history,
        curriculum_key,
        reported_stage_key,
        has_standing_decision,
        has_wrong_metric,
        cast(session as double) as session_total
        {%- for measure in measures() %},
        {{ measure.sql if measure.metric in there else '0.0' if measure.counts else 'cast(null as double)' }} as {{ measure.name }}
        {%- endfor %}
    from keyed
    window history as (partition by subject_key order by session)

)

select * from final
