{{ config(
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 0',
    error_if='> ' ~ var('max_percent_of_sessions_gone') ~ ' and count(*) >= ' ~ var('fewest_to_stop'),
    meta={
        'says': 'sessions with a published decision are gone from df_behavior',
        'what_to_do': 'see whether df_behavior was cut short; if they are meant to be gone, raise max_percent_of_sessions_gone for one run',
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
        {{ percent_of('gone', 'published') }} as percent
    from gone

)

select * from final
