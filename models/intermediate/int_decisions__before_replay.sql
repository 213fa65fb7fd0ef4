{{ config(materialized='view') }}

with

drifted as (

    select
        subject_id,
        min(session) as session
    from {{ ref('int_decisions__drifted') }}
    group by subject_id

),

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

subjects as (

    select * from {{ ref('int_subjects') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

final as (

    select
        subjects.subject_key,
        standing.session,
        coalesce(actual.stage_key, 0) as actual_stage_key,
        coalesce(next.stage_key, 0) as next_stage_key
    from standing
    inner join drifted on standing.subject_id = drifted.subject_id and standing.session < drifted.session
    inner join subjects on standing.subject_id = subjects.subject_id
    left join stages as actual on standing.current_stage_actual = actual.stage
    left join stages as next on standing.next_stage_suggested = next.stage

)

select * from final
