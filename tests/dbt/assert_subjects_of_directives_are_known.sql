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

final as (

    select
        unknown.place || ': there is no mouse ' || unknown.subject_id
        || coalesce(
            '; did you mean ' || string_agg(subjects.subject_id, ' or ' order by subjects.subject_id) || '?', ''
        ) as detail
    from unknown
    left join subjects on unknown.number = subjects.number
    group by
        unknown.place,
        unknown.subject_id

)

select * from final
