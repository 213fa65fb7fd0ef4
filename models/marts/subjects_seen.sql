with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

final as (

    select
        behavior.subject_id,
        max(behavior.session) as session,
        max(behavior.session_date) as session_date,
        max_by(coalesce(behavior.set_aside_because <> 'off_curriculum', true), behavior.session) as is_on_curriculum,
        max_by(stages.stage is not null, behavior.session) as is_closed_loop
    from behavior
    left join stages
        on behavior.reported_stage = stages.stage and not coalesce(behavior.is_stage_of_another_task, false)
    where behavior.subject_id is not null
    group by behavior.subject_id

)

select * from final
