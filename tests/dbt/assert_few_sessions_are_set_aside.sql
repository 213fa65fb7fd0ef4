{{ config(
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 5',
    error_if='> ' ~ var('max_percent_set_aside') ~ ' and count(*) >= ' ~ var('fewest_to_stop'),
    meta={
        'says': 'many sessions are set aside',
        'what_to_do': 'see the reasons in marts.quarantine; a new curriculum or column name upstream is the usual cause',
    },
) }}
with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

quarantine as (

    select * from {{ ref('quarantine') }}

),

final as (

    select
        subject_id,
        reason,
        {{ percent_of('quarantine', 'behavior') }} as percent
    from quarantine

)

select * from final
