with

-- only a subject's newest decision is provisional, so only it needs the record of what it read
newest as (

    select session_key from {{ ref('int_walk') }}
    where scenario = 'tonight' and is_newest

),

measures as (

    select
        session_key,
        subject_key,
        session,
        place_in_history
        {%- for metric in metrics() %},
        {{ metric.name }}__last as {{ metric.name }}
        {%- endfor %}
    from {{ ref('int_sessions__measures') }}

),

newest_measures as (

    select measures.* from measures
    semi join newest on measures.session_key = newest.session_key

),

final as (

    select
        newest_measures.session_key,
        string_agg(history.session || ':' || {{ history_fingerprint('history') }}, ' ' order by history.session) as history
    from newest_measures
    cross join unnest(range(0, {{ longest_window() }})) as steps (back)
    inner join measures as history
        on
            newest_measures.subject_key = history.subject_key
            and newest_measures.place_in_history - steps.back = history.place_in_history
    group by newest_measures.session_key

)

select * from final
