{{ config(materialized='view') }}

with

-- DuckDB would write a CTE that is read twice, with all its columns
standing as not materialized (

    select * from {{ ref('int_decisions__standing') }}

),

replayed_from as (

    select * from {{ ref('int_walk__replayed_from') }}

),

tonight as (

    select subject_key from {{ ref('int_walk__sessions') }}
    where scenario = 'tonight'

),

replay as (

    select subject_key from {{ ref('int_walk__sessions') }}
    where scenario = 'replay'

),

subjects as (

    select * from {{ ref('int_subjects') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

scenarios as (

    select
        'tonight' as scenario,
        subjects.subject_key,
        standing.session,
        standing.current_stage_actual,
        standing.next_stage_suggested
    from standing
    inner join subjects on standing.subject_id = subjects.subject_id
    semi join tonight on subjects.subject_key = tonight.subject_key

    union all

    select
        'replay' as scenario,
        subjects.subject_key,
        standing.session,
        standing.current_stage_actual,
        standing.next_stage_suggested
    from standing
    inner join replayed_from
        on standing.subject_id = replayed_from.subject_id and standing.session < replayed_from.session
    inner join subjects on standing.subject_id = subjects.subject_id
    semi join replay on subjects.subject_key = replay.subject_key

),

final as (

    select
        scenarios.scenario,
        scenarios.subject_key,
        scenarios.session,
        coalesce(actual.stage_key, 0) as actual_stage_key,
        coalesce(next.stage_key, 0) as next_stage_key
    from scenarios
    left join stages as actual on scenarios.current_stage_actual = actual.stage
    left join stages as next on scenarios.next_stage_suggested = next.stage

)

select * from final
