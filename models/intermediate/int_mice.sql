with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}
    where subject_id is not null

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

newest_decisions as (

    select
        subject_id,
        max(session) as session
    from {{ ref('df_manager') }}
    where session_at_current_stage is distinct from 0
    group by subject_id

),

left_for_good as (

    select distinct subject_id from {{ ref('stg_people__directives') }}
    where applied_as = 'left' and is_in_force

),

-- a row from the future tells nothing of today
seen as (

    select
        behavior.subject_id,
        max(behavior.session_date) as last_seen,
        max_by(behavior.session_key, (behavior.session_date, behavior.session)) as newest_row,
        max_by(behavior.trainer, (behavior.session_date, behavior.session)) filter (where behavior.trainer is not null)
            as trainer
    from behavior
    cross join run
    where behavior.session_date < run.tomorrow or behavior.session_date is null
    group by behavior.subject_id

),

final as (

    select
        seen.subject_id,
        seen.last_seen,
        seen.newest_row,
        seen.trainer,
        newest_decisions.session as newest_decided,
        left_for_good.subject_id is not null as has_left,
        left_for_good.subject_id is null
        and coalesce(run.training_day - seen.last_seen <= {{ var('attention_forgets_after_days') }}, true) as is_here
    from seen
    cross join run
    left join newest_decisions on seen.subject_id = newest_decisions.subject_id
    left join left_for_good on seen.subject_id = left_for_good.subject_id

)

select * from final
