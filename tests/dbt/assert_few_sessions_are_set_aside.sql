{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 5',
    error_if=stops('sessions_set_aside', 'max_percent_set_aside'),
    meta={
        'gate': 'sessions_set_aside',
        'says': 'new sessions are set aside',
        'what_to_do': 'see the reasons in marts.quarantine; a new curriculum or another spelling upstream is the usual cause. The limit is max_percent_set_aside',
    },
) }}
with

new_sessions as (

    select
        session_key,
        subject_id
    from {{ ref('int_sessions__new') }}

),

quarantine as (

    select
        session_key,
        reason
    from {{ ref('quarantine') }}

),

set_aside as (

    select
        new_sessions.subject_id,
        quarantine.reason
    from new_sessions
    inner join quarantine on new_sessions.session_key = quarantine.session_key

),

final as (

    select
        subject_id,
        reason as detail,
        {{ share_of('set_aside', 'new_sessions') }}
    from set_aside

)

select * from final
