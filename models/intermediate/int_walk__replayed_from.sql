with

drifted as (

    select
        subject_id,
        min(session) as session
    from {{ ref('int_decisions__drifted') }}
    group by subject_id

),

subjects as (

    select * from {{ ref('int_subjects') }}

),

-- a session that arrived late may lie before the decision whose history it changed
undecided as (

    select
        subject_key,
        min(session) as session
    from {{ ref('int_sessions__measures') }}
    where not has_standing_decision
    group by subject_key

),

final as (

    select
        drifted.subject_id,
        subjects.subject_key,
        least(drifted.session, undecided.session) as session
    from drifted
    left join subjects on drifted.subject_id = subjects.subject_id
    left join undecided on subjects.subject_key = undecided.subject_key

)

select * from final
