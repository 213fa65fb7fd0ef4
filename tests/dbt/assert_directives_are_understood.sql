{{ config(
    severity='warn',
    meta={
        'says': 'directives that cannot be read, or contradict themselves or each other; a mouse that they name is held',
        'what_to_do': 'correct the lines that are named',
    },
) }}
-- SEMANTICS 23
with

directives as (

    select * from {{ ref('stg_people__directives') }}

),

final as (

    select
        subject_id,
        problem,
        problem_in_words as detail
    from directives
    where problem is not null and not is_over

)

select * from final
