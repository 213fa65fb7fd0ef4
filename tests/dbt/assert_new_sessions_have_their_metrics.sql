{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 20',
    error_if=stops('sessions_without_metrics', 'max_percent_without_metrics'),
    meta={
        'gate': 'sessions_without_metrics',
        'says': 'new sessions lack a metric that their curriculum looks at',
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

lacking as (

    select * from {{ ref('int_sessions__lacking') }}

),

counted as (

    select
        sessions.session_key,
        sessions.subject_id
    from sessions
    semi join new_sessions on sessions.session_key = new_sessions.session_key
    semi join curricula on {{ same_curriculum('sessions', 'curricula') }}

),

missing as (

    select
        counted.subject_id,
        lacking.metrics_missing
    from counted
    inner join lacking on counted.session_key = lacking.session_key

),

final as (

    select
        subject_id,
        array_to_string(metrics_missing, ', ') as detail,
        {{ share_of('missing', 'counted') }}
    from missing

)

select * from final
