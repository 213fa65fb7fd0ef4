{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0',
    error_if=stops('sessions_gone', 'max_percent_of_sessions_gone'),
    meta={
        'gate': 'sessions_gone',
        'says': 'sessions with a published decision are gone from df_behavior',
        'what_to_do': 'see whether df_behavior was cut short; where they are meant to be gone, say so with the directive accept_gone; the limit is max_percent_of_sessions_gone',
    },
) }}
with

published as (

    select
        subject_id,
        session,
        session_date
    from {{ ref('stg_lake__decisions') }}
    where session_at_current_stage is distinct from 0

),

-- what someone knows to be gone needs no warning
accepted as (

    select * from {{ ref('stg_people__directives') }}
    where applied_as = 'accept_gone'

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
    anti join accepted
        on
            published.subject_id = accepted.subject_id
            and (accepted.valid_from is null or published.session_date >= accepted.valid_from)
            and (accepted.valid_until is null or published.session_date <= accepted.valid_until)

),

final as (

    select
        subject_id,
        session,
        {{ share_of('gone', 'published') }}
    from gone

)

select * from final
