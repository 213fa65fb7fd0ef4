-- SEMANTICS 31: a mouse that has never run reads its first stage in a row with session number 0
with

directives as (

    select * from {{ ref('stg_people__directives') }}
    where applied_as = 'enrol' and curriculum is not null and is_in_force

),

seen as (

    select distinct subject_id from {{ ref('stg_lake__behavior') }}

),

standing as (

    select distinct subject_id from {{ ref('int_decisions__standing') }}

),

published as (

    select * from {{ ref('stg_lake__decisions') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

enrolled as (

    select directives.* from directives
    anti join seen on directives.subject_id = seen.subject_id
    anti join standing on directives.subject_id = standing.subject_id

),

final as (

    select
        enrolled.subject_id,
        -- the day stays what it was when rigs were first told
        coalesce(enrolled.valid_from, published.session_date, run.training_day) as session_date,
        cast(0 as bigint) as session,
        curricula.task,
        curricula.curriculum_name,
        curricula.curriculum_version,
        curricula.curriculum_schema_version,
        cast(0 as bigint) as session_at_current_stage,
        curricula.first_stage as current_stage_suggested,
        curricula.first_stage as current_stage_actual,
        'STAY' as decision,
        curricula.first_stage as next_stage_suggested,
        false as if_closed_loop,
        false as if_overriden_by_trainer,
        false as trainer_chose,
        'enrol' as directive_kind,
        enrolled.words as directive
    from enrolled
    inner join curricula on enrolled.curriculum = curricula.curriculum
    cross join run
    left join published on enrolled.subject_id = published.subject_id and published.session_at_current_stage = 0

)

select * from final
