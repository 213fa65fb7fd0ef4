{{ config(materialized='view') }}

with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

seen as (

    select * from {{ ref('stg_lake__subjects_seen') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

-- on the first night nothing was seen: the session before says what a mouse was
in_order as (

    select
        behavior.session_key,
        behavior.subject_id,
        behavior.session,
        behavior.session_date,
        behavior.set_aside_because,
        coalesce(behavior.set_aside_because <> 'off_curriculum', true) as is_on_curriculum,
        stages.stage is not null as is_closed_loop,
        behavior.session is null or behavior.session = max(behavior.session) over (partition by behavior.subject_id)
            as is_newest
    from behavior
    left join stages
        on behavior.reported_stage = stages.stage and not coalesce(behavior.is_stage_of_another_task, false)

),

final as (

    select
        in_order.*,
        coalesce(
            seen.is_on_curriculum,
            lag(in_order.is_on_curriculum) over history
        ) as was_on_curriculum,
        -- rigs of the past may have reported their stage now and then
        seen.is_closed_loop as was_closed_loop
    from in_order
    left join seen on in_order.subject_id = seen.subject_id
    where
        seen.subject_id is null
        or in_order.session > seen.session
        -- without a number only the date tells
        or (in_order.session is null and coalesce(in_order.session_date > seen.session_date, true))
    window history as (partition by in_order.subject_id order by in_order.session nulls last)

)

select * from final
