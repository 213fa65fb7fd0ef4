{{ config(
    severity='warn',
    meta={
        'says': 'the last run is dated in the future: a clock was or is wrong',
        'what_to_do': 'see the clock of the machine that runs the nightly; the order of runs does not depend on it',
    },
) }}
with

run as (

    select * from {{ ref('stg_lake__run') }}

),

final as (

    select 'the last run started ' || previous_started_at || ' UTC, this one ' || started_at || ' UTC' as detail
    from run
    where previous_started_at > started_at

)

select * from final
