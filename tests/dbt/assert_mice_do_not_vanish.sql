{{ config(
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 0',
    error_if='> ' ~ var('max_percent_of_mice_gone') ~ ' and count(*) >= ' ~ var('fewest_to_stop'),
    meta={
        'says': 'mice with published decisions have no session in df_behavior any more',
        'what_to_do': 'see whether df_behavior was cut short; if they are meant to be gone, raise max_percent_of_mice_gone for one run',
    },
) }}
with

published as (

    select distinct subject_id from {{ ref('stg_lake__decisions') }}

),

behavior as (

    select distinct subject_id from {{ ref('stg_lake__behavior') }}

),

gone as (

    select published.subject_id from published
    anti join behavior on published.subject_id = behavior.subject_id

),

final as (

    select
        subject_id,
        {{ percent_of('gone', 'published') }} as percent
    from gone

)

select * from final
