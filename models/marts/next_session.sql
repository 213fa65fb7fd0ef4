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

sessions_before as (

    select
        df_manager.subject_id,
        max(df_manager.session) as session
    from df_manager
    inner join newest on df_manager.subject_id = newest.subject_id and df_manager.session < newest.session
    group by df_manager.subject_id

),

decisions_before as (

    select df_manager.* from df_manager
    semi join sessions_before
        on df_manager.subject_id = sessions_before.subject_id and df_manager.session = sessions_before.session

),

-- what policies gave for a session holds where that stage of that curriculum ran
newest_decisions as (

    select
        df_manager.*,
        decisions_before.next_parameters as parameters_now
    from df_manager
    semi join newest on df_manager.subject_id = newest.subject_id and df_manager.session = newest.session
    left join decisions_before
        on
            df_manager.subject_id = decisions_before.subject_id
            and {{ same_curriculum('df_manager', 'decisions_before') }}
            and df_manager.current_stage_actual = decisions_before.next_stage_suggested

),

-- every change that some mouse faces, once
changes as (

    select distinct
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        current_stage_actual,
        next_stage_suggested,
        parameters_now,
        next_parameters
    from newest_decisions
    where current_stage_actual <> next_stage_suggested or parameters_now is distinct from next_parameters

),

-- a parameter that only one of both stages has changes too; a parameter with a policy has a value of its own
changed_parameters as (

    select
        changes.*,
        parameters.parameter,
        max(coalesce(json_extract_string(changes.parameters_now, '$.' || parameters.parameter), parameters.value))
            filter (where parameters.stage = changes.current_stage_actual)
            as value_now,
        max(coalesce(json_extract_string(changes.next_parameters, '$.' || parameters.parameter), parameters.value))
            filter (where parameters.stage = changes.next_stage_suggested)
            as value_next
    from changes
    inner join stage_parameters as parameters
        on
            {{ same_curriculum('changes', 'parameters') }}
            and parameters.stage in (changes.current_stage_actual, changes.next_stage_suggested)
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
        parameters_now,
        next_parameters,
        string_agg(
            parameter || ': ' || {{ shown_value('value_now') }} || ' → ' || {{ shown_value('value_next') }},
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
            {{ same_curriculum('newest_decisions', 'listed_changes') }}
            and newest_decisions.current_stage_actual = listed_changes.current_stage_actual
            and newest_decisions.next_stage_suggested = listed_changes.next_stage_suggested
            and newest_decisions.parameters_now is not distinct from listed_changes.parameters_now
            and newest_decisions.next_parameters is not distinct from listed_changes.next_parameters

)

select * from final
