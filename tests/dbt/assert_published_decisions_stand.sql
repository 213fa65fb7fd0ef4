-- What was published is never rewritten, but for the provisional decisions that were reopened.
{%- set columns = [
    'current_stage_suggested', 'current_stage_actual', 'session_at_current_stage', 'decision', 'next_stage_suggested',
    'if_closed_loop', 'if_overriden_by_trainer', 'finished_trials', 'foraging_efficiency',
] %}

with

standing as (

    select * from {{ ref('int_decisions__standing') }}

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

final as (

    select standing.* from standing
    left join df_manager on standing.subject_id = df_manager.subject_id and standing.session = df_manager.session
    where
        df_manager.session is null
        {%- for column in columns %}
        or standing.{{ column }} is distinct from df_manager.{{ column }}
        {%- endfor %}

)

select * from final
