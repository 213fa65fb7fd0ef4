{{ config(
    tags='gate',
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 0',
    error_if=stops('sessions_gone', 'max_percent_of_sessions_gone'),
    meta={
        'gate': 'sessions_gone',
        'says': 'sessions with a published decision are gone from df_behavior',
        'what_to_do': 'see whether df_behavior was cut short; the limit is max_percent_of_sessions_gone',
    },
) }}
with

published as (

    select
        subject_id,
        session
    from {{ ref('stg_lake__decisions') }}

),

sessions as (

    select
        subject_id,
        session
    from {{ ref('stg_lake__behavior') }}

),

gone as (

    select published.* from published
    anti join sessions on published.subject_id = sessions.subject_id and published.session = sessions.session

),

final as (

    select
        subject_id,
        session,
        {{ share_of('gone', 'published') }}
    from gone

)

select * from final
