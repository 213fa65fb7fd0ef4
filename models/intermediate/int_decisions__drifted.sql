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
        found.session is null as is_gone
    from standing
    left join found on standing.subject_id = found.subject_id and standing.session = found.session
    where
        found.session is null
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
        case
            when is_gone then 'the session is gone from df_behavior'
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
