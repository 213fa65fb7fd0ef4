{{ config(
    tags='gate',
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 20',
    error_if=stops('sessions_without_metrics', 'max_percent_without_metrics'),
    meta={
        'gate': 'sessions_without_metrics',
        'says': 'many new sessions lack a metric that their curriculum looks at',
        'what_to_do': 'see whether the metric is still computed upstream, and under which name; the limit is max_percent_without_metrics',
    },
) }}
with

new_sessions as (

    select session_key from {{ ref('int_sessions__new') }}

),

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

counted as (

    select
        sessions.subject_id,
        concat_ws(
            ', '
            {%- for metric in metrics() %},
            case when list_contains(looked_at.metrics, '{{ metric.name }}') and sessions.{{ metric.name }} is null then '{{ metric.name }}' end
            {%- endfor %}
        ) as metrics_missing
    from sessions
    semi join new_sessions on sessions.session_key = new_sessions.session_key
    inner join curricula
        on
            sessions.curriculum_name = curricula.curriculum_name
            and sessions.curriculum_version = curricula.curriculum_version
            and sessions.curriculum_schema_version = curricula.curriculum_schema_version
    inner join metrics_of_curricula as looked_at on curricula.curriculum = looked_at.curriculum

),

missing as (

    select * from counted
    where metrics_missing <> ''

),

final as (

    select
        subject_id,
        metrics_missing as detail,
        {{ share_of('missing', 'counted') }}
    from missing

)

select * from final
