with

-- only a subject's newest decision is provisional, so only it needs the record of what it read
newest as (

    select session_key from {{ ref('int_decisions') }}
    where is_newest

),

measures as (

    select
        session_key,
        subject_key,
        session,
        place_in_history
    from {{ ref('int_sessions__measures') }}

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

newest_measures as (

    select measures.* from measures
    semi join newest on measures.session_key = newest.session_key

),

history as (

    select
        newest_measures.session_key,
        measures.session,
        measures.session_key as history_key
    from newest_measures
    cross join unnest(range(0, {{ longest_window() }})) as steps (back)
    inner join measures
        on
            newest_measures.subject_key = measures.subject_key
            and newest_measures.place_in_history - steps.back = measures.place_in_history

),

final as (

    select
        history.session_key,
        concat_ws(
            ' ',
            any_value({{ own_fingerprint('sessions') }}) filter (where history.history_key = history.session_key),
            string_agg(history.session || ':' || {{ history_fingerprint('sessions') }}, ' ' order by history.session)
        ) as inputs_read
    from history
    inner join sessions on history.history_key = sessions.session_key
    group by history.session_key

)

select * from final
