{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 1',
    error_if=stops('sessions_drifted', 'max_percent_drifted'),
    meta={
        'gate': 'sessions_drifted',
        'says': 'decided sessions are other in df_behavior than when they were decided',
        'what_to_do': 'see what changed in marts.decision_drift; was a metric computed anew upstream? The directive decide_anew takes the new values. The limit is max_percent_drifted',
    },
) }}
with

drifted as (

    select * from {{ ref('int_decisions__drifted') }}
    -- those that are gone have a gate of their own, and one changed session is in the history of many
    where not is_gone and is_its_own

),

decided as (

    select session from {{ ref('int_decisions__standing') }}

),

final as (

    select
        subject_id,
        {{ share_of('drifted', 'decided') }}
    from drifted

)

select * from final
