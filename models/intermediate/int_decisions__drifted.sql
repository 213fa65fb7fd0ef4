{%- set recorded = df_manager_columns('recorded') | list %}

with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

sessions as (

    select * from {{ ref('stg_lake__sessions') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

looked_at as (

    select * from {{ ref('int_curricula__measures') }}

),

-- in open loop the rig reported no stage, so only a name that it reports now is a change
found as (

    select
        sessions.*,
        stages.stage as current_stage_reported
    from sessions
    left join stages
        on sessions.reported_stage = stages.stage and not coalesce(sessions.is_stage_of_another_task, false)

),

compared as (

    select
        standing.subject_id,
        standing.session,
        found.session_key,
        case when standing.if_closed_loop then standing.current_stage_actual end as stage_recorded,
        found.current_stage_reported as stage_found,
        {%- for column in recorded %}
        standing.{{ column }} as {{ column }}_recorded,
        found.{{ column }} as {{ column }}_found,
        {%- endfor %}
        standing.measures_read,
        {{ measures_read('looked_at', 'measures') }} as measures_now,
        found.session is null as is_gone,
        coalesce(
            found.current_stage_reported is distinct from
            case when standing.if_closed_loop then standing.current_stage_actual end
            {%- for column in recorded %}
            or standing.{{ column }} is distinct from found.{{ column }}
            {%- endfor %},
            false
        ) as is_its_own
    from standing
    left join found on standing.subject_id = found.subject_id and standing.session = found.session
    left join measures on found.session_key = measures.session_key
    left join curricula on {{ same_curriculum('standing', 'curricula') }}
    left join looked_at
        on
            curricula.curriculum_key = looked_at.curriculum_key
            and standing.current_stage_actual = looked_at.stage
    where
        found.session is null
        -- SEMANTICS 29: another history than the one that it was decided on
        or (standing.measures_read is not null and standing.measures_read is distinct from measures_now)
        or found.current_stage_reported is distinct from
        case when standing.if_closed_loop then standing.current_stage_actual end
        {%- for column in recorded %}
        or standing.{{ column }} is distinct from found.{{ column }}
        {%- endfor %}

),

final as (

    select
        subject_id,
        session,
        session_key,
        is_gone,
        is_its_own,
        case
            when is_gone then 'the session is gone from df_behavior'
            when not is_its_own
                then 'its history: ' || concat_ws(
                    '; '
                    {%- for measure in measures() %},
                    case
                        when measures_read['{{ measure.name }}'] is distinct from measures_now['{{ measure.name }}']
                            then '{{ measure.name }}: '
                                || coalesce(cast(measures_read['{{ measure.name }}'] as varchar), 'none')
                                || ' → ' || coalesce(cast(measures_now['{{ measure.name }}'] as varchar), 'none')
                    end
                    {%- endfor %}
                )
            else concat_ws(
                '; '
                {%- for column in recorded + ['stage'] %},
                case
                    when {{ column }}_recorded is distinct from {{ column }}_found
                        then '{{ column }}: ' || coalesce(cast({{ column }}_recorded as varchar), 'none')
                            || ' → ' || coalesce(cast({{ column }}_found as varchar), 'none')
                end
                {%- endfor %}
            )
        end as what_changed
    from compared

)

select * from final
