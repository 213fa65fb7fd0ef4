{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0 and max(percent) > 30',
    error_if=stops('mice_change_stage', 'max_percent_changing_stage'),
    meta={
        'gate': 'mice_change_stage',
        'says': 'mice that were decided change their stage',
        'what_to_do': 'look at marts.next_session: did the unit of a metric change upstream, or a curriculum? The limit is max_percent_changing_stage',
    },
) }}
with

published as (

    select
        subject_id,
        max_by(next_stage_suggested, session) as next_stage
    from {{ ref('stg_lake__decisions') }}
    group by subject_id

),

sessions as (

    select
        session_key,
        subject_id
    from {{ ref('stg_lake__sessions') }}

),

decisions as (

    select session_key from {{ ref('int_walk') }}
    where scenario = 'tonight' and not_decided_because is null

),

next_session as (

    select * from {{ ref('next_session') }}

),

-- a mouse that did not run cannot change, and must not make those that do look few
decided_now as (

    select distinct
        published.subject_id,
        published.next_stage
    from published
    inner join sessions on published.subject_id = sessions.subject_id
    semi join decisions on sessions.session_key = decisions.session_key

),

changing as (

    select decided_now.subject_id from decided_now
    inner join next_session on decided_now.subject_id = next_session.subject_id
    where decided_now.next_stage <> next_session.next_stage_suggested

),

final as (

    select
        changing.subject_id,
        {{ share_of('changing', 'decided_now') }}
    from changing

)

select * from final
