with

df_manager as (

    select * from {{ ref('df_manager') }}

),

mice as (

    select * from {{ ref('int_mice') }}

),

stage_parameters as (

    select * from {{ ref('stage_parameters') }}

),

newest as (

    select
        subject_id,
        max(session) as session
    from df_manager
    group by subject_id

),

newest_decisions as (

    select df_manager.* from df_manager
    semi join newest on df_manager.subject_id = newest.subject_id and df_manager.session = newest.session

),

-- every change of stage that some mouse faces, once
changes_of_stage as (

    select distinct
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        current_stage_actual,
        next_stage_suggested
    from newest_decisions
    where current_stage_actual <> next_stage_suggested

),

-- a parameter that only one of both stages has changes too
changed_parameters as (

    select
        changes_of_stage.*,
        parameters.parameter,
        max(parameters.value) filter (where parameters.stage = changes_of_stage.current_stage_actual) as value_now,
        max(parameters.value) filter (where parameters.stage = changes_of_stage.next_stage_suggested) as value_next
    from changes_of_stage
    inner join stage_parameters as parameters
        on
            changes_of_stage.curriculum_name = parameters.curriculum_name
            and changes_of_stage.curriculum_version = parameters.curriculum_version
            and changes_of_stage.curriculum_schema_version = parameters.curriculum_schema_version
            and parameters.stage in (changes_of_stage.current_stage_actual, changes_of_stage.next_stage_suggested)
    group by all
    having value_now is distinct from value_next

),

listed_changes as (

    select
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        current_stage_actual,
        next_stage_suggested,
        string_agg(
            parameter || ': ' || coalesce(value_now, 'none') || ' → ' || coalesce(value_next, 'none'),
            '; '
            order by parameter
        ) as parameter_changes
    from changed_parameters
    group by all

),

final as (

    select
        newest_decisions.subject_id,
        newest_decisions.session,
        newest_decisions.session_date,
        newest_decisions.curriculum_name,
        newest_decisions.curriculum_version,
        newest_decisions.curriculum_schema_version,
        newest_decisions.current_stage_actual,
        newest_decisions.decision,
        newest_decisions.next_stage_suggested,
        listed_changes.parameter_changes,
        mice.trainer,
        coalesce(mice.has_left, false) as has_left
    from newest_decisions
    left join mice on newest_decisions.subject_id = mice.subject_id
    left join listed_changes
        on
            newest_decisions.curriculum_name = listed_changes.curriculum_name
            and newest_decisions.curriculum_version = listed_changes.curriculum_version
            and newest_decisions.curriculum_schema_version = listed_changes.curriculum_schema_version
            and newest_decisions.current_stage_actual = listed_changes.current_stage_actual
            and newest_decisions.next_stage_suggested = listed_changes.next_stage_suggested

)

select * from final
