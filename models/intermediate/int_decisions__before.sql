{{ config(materialized='view') }}

with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

subjects as (

    select * from {{ ref('int_subjects') }}

),

to_decide as (

    select * from {{ ref('int_sessions__to_decide') }}

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
    inner join subjects on standing.subject_id = subjects.subject_id
    semi join to_decide on subjects.subject_key = to_decide.subject_key
    left join stages as actual on standing.current_stage_actual = actual.stage
    left join stages as next on standing.next_stage_suggested = next.stage

)

select * from final
