{{ config(
    tags='gate',
    severity='error',
    warn_if='> 0',
    error_if=stops('mice_gone', 'max_percent_of_mice_gone'),
    meta={
        'gate': 'mice_gone',
        'says': 'mice with published decisions have no session in df_behavior any more',
        'what_to_do': 'see whether df_behavior was cut short, or mice were renamed; the limit is max_percent_of_mice_gone',
    },
) }}
with

published as (

    select distinct subject_id from {{ ref('stg_lake__decisions') }}
    where session_at_current_stage is distinct from 0

),

-- what someone knows to be gone needs no warning
accepted as (

    select * from {{ ref('stg_people__directives') }}
    where applied_as = 'accept_gone'

),

behavior as (

    select distinct subject_id from {{ ref('stg_lake__behavior') }}

),

gone as (

    select published.subject_id from published
    anti join behavior on published.subject_id = behavior.subject_id
    anti join accepted on published.subject_id = accepted.subject_id

),

final as (

    select
        subject_id,
        {{ share_of('gone', 'published') }}
    from gone

)

select * from final
