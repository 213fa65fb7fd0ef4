{{ config(
    severity='warn',
    meta={
        'says': 'directives that contradict themselves or each other; their mice are held',
        'what_to_do': 'fix seeds/by_hand/subject_directives.csv; stg_people__directives names the problem',
    },
) }}
with

directives as (

    select * from {{ ref('stg_people__directives') }}

),

final as (

    select
        subject_id,
        problem
    from directives
    where problem is not null

)

select * from final
