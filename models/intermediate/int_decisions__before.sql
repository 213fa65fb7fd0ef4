with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

sessions as (

    select
        subject_id,
        subject_key
    from {{ ref('stg_lake__sessions') }}
    semi join {{ ref('int_sessions__to_decide') }} as to_decide using (session_key)

),

stages as (

    select * from {{ ref('training_stages') }}

),

subjects as (

    select distinct
        subject_id,
        subject_key
    from sessions

),

final as (

    select
        subjects.subject_key,
        standing.session,
        coalesce(actual.stage_key, 0) as actual_stage_key,
        coalesce(next.stage_key, 0) as next_stage_key
    from standing
    inner join subjects on standing.subject_id = subjects.subject_id
    left join stages as actual on standing.current_stage_actual = actual.stage
    left join stages as next on standing.next_stage_suggested = next.stage

)

select * from final
