with

decisions as (

    select * from {{ ref('stg_lake__decisions') }}

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

directives as (

    select * from {{ ref('int_sessions__directives') }}

),

newest_decisions as (

    select
        subject_id,
        max(session) as session
    from decisions
    group by subject_id

),

newest_sessions as (

    select
        sessions.subject_id,
        max(sessions.session) as session
    from sessions
    semi join newest_decisions on sessions.subject_id = newest_decisions.subject_id
    group by sessions.subject_id

),

-- SEMANTICS 9: provisional until the subject has run a later session
provisional as (

    select
        decisions.subject_id,
        decisions.session,
        string_split(decisions.inputs_read, ' ')[1] as own_fingerprint,
        string_split(decisions.inputs_read, ' ')[2:] as history,
        decisions.directive_kind,
        decisions.directive
    from decisions
    inner join newest_decisions
        on decisions.subject_id = newest_decisions.subject_id and decisions.session = newest_decisions.session
    inner join newest_sessions
        on decisions.subject_id = newest_sessions.subject_id and decisions.session >= newest_sessions.session

),

own_changed as (

    select
        provisional.subject_id,
        provisional.session
    from provisional
    inner join sessions
        on provisional.subject_id = sessions.subject_id and provisional.session = sessions.session
    -- a decision that came over from another system has no record of what it read: only a directive reopens it
    where {{ own_fingerprint('sessions') }} <> provisional.own_fingerprint

),

entries as (

    select
        subject_id,
        session,
        unnest(history) as entry
    from provisional

),

history_read as (

    select
        subject_id,
        session,
        cast(split_part(entry, ':', 1) as bigint) as earlier_session,
        split_part(entry, ':', 2) as fingerprint
    from entries

),

-- a session that arrived late changes nothing here (SEMANTICS 8): only what was read counts
history_changed as (

    select distinct
        history_read.subject_id,
        history_read.session
    from history_read
    left join sessions
        on history_read.subject_id = sessions.subject_id and history_read.earlier_session = sessions.session
    where
        sessions.session is null
        or {{ history_fingerprint('sessions') }} <> history_read.fingerprint

),

directive_changed as (

    select
        provisional.subject_id,
        provisional.session
    from provisional
    inner join sessions
        on provisional.subject_id = sessions.subject_id and provisional.session = sessions.session
    left join directives on sessions.session_key = directives.session_key
    where
        coalesce(directives.directive, '') <> coalesce(provisional.directive, '')
        -- where a subject began does not matter today
        and (directives.directive is not null or provisional.directive_kind <> 'enrol')

),

-- SEMANTICS 31: once, which the decisions that were made anew remember
to_decide_anew as (

    select
        directives.subject_id,
        directives.valid_from,
        directives.valid_until,
        directives.words,
        coalesce(
            bool_or(contains('; ' || decisions.decided_anew_because || '; ', '; ' || directives.words || '; ')), false
        ) as is_done
    from {{ ref('stg_people__directives') }} as directives
    left join decisions on directives.subject_id = decisions.subject_id
    where directives.applied_as = 'decide_anew' and directives.is_in_force
    group by
        directives.subject_id,
        directives.valid_from,
        directives.valid_until,
        directives.words

),

-- of two wishes about one session both are kept: if one replaced the other, each would look new on every other night
asked_for as (

    select
        decisions.subject_id,
        decisions.session,
        string_agg(distinct to_decide_anew.words, '; ' order by to_decide_anew.words) as decided_anew_because
    from decisions
    inner join to_decide_anew
        on
            decisions.subject_id = to_decide_anew.subject_id
            and decisions.session_date >= to_decide_anew.valid_from
            and (to_decide_anew.valid_until is null or decisions.session_date <= to_decide_anew.valid_until)
    group by
        decisions.subject_id,
        decisions.session
    having not bool_and(to_decide_anew.is_done)

),

-- a decision that is made anew again keeps why it was before, so that the next night does not take that for a new wish
remembered as (

    select
        subject_id,
        session,
        decided_anew_because
    from decisions
    where decided_anew_because is not null

),

changed as (

    select * from own_changed

    union

    select * from history_changed

    union

    select * from directive_changed

    union

    select
        subject_id,
        session
    from asked_for
    {%- if flags.FULL_REFRESH %}

    union

    select
        subject_id,
        session
    from remembered
    {%- endif %}

),

-- nothing can be decided for a session that is gone: its decision stays as it was published
final as (

    select
        changed.*,
        coalesce(asked_for.decided_anew_because, remembered.decided_anew_because) as decided_anew_because
    from changed
    semi join sessions on changed.subject_id = sessions.subject_id and changed.session = sessions.session
    left join asked_for on changed.subject_id = asked_for.subject_id and changed.session = asked_for.session
    left join remembered on changed.subject_id = remembered.subject_id and changed.session = remembered.session

)

select * from final
