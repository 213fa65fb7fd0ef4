{{ config(
    tags='gate',
    severity='error',
    fail_calc='coalesce(max(percent), 0)',
    warn_if='> 20',
    error_if=stops('sessions_off_curriculum', 'max_percent_off_curriculum'),
    meta={
        'gate': 'sessions_off_curriculum',
        'says': 'many new sessions of mice that were on a curriculum name none',
        'what_to_do': 'see whether the curriculum columns are still written upstream; the limit is max_percent_off_curriculum',
    },
) }}
with

counted as (

    select
        subject_id,
        is_on_curriculum
    from {{ ref('int_sessions__new') }}
    where was_on_curriculum

),

went as (

    select subject_id from counted
    where not is_on_curriculum

),

final as (

    select
        subject_id,
        {{ share_of('went', 'counted') }}
    from went

)

select * from final
