{{ config(
    severity='warn',
    meta={
        'says': 'directives for mice that neither df_behavior nor df_manager has; they do nothing',
        'what_to_do': 'correct the number of the mouse in the lines that are named, or remove them',
    },
) }}
-- SEMANTICS 23
with

directives as (

    select
        *,
        {{ number_of_subject('subject_id') }} as number
    from {{ ref('stg_people__directives') }}
    where subject_id is not null and not is_over

),

subjects as (

    select
        subject_id,
        {{ number_of_subject('subject_id') }} as number
    from {{ ref('subjects_seen') }}

    union

    select
        subject_id,
        {{ number_of_subject('subject_id') }} as number
    from {{ ref('stg_lake__decisions') }}

),

unknown as (

    select * from directives
    anti join subjects on directives.subject_id = subjects.subject_id

),

-- an enrolment in a curriculum makes a mouse known that has never run; one that is written otherwise may be meant
surprising as (

    select * from unknown
    where curriculum is null or problem is not null or number in (select subjects.number from subjects)

),

final as (

    select
        surprising.place || ': there is no mouse ' || surprising.subject_id
        || coalesce(
            '; did you mean ' || string_agg(subjects.subject_id, ' or ' order by subjects.subject_id) || '?', ''
        ) as detail
    from surprising
    left join subjects on surprising.number = subjects.number
    group by
        surprising.place,
        surprising.subject_id

)

select * from final
