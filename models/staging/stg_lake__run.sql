-- identity of this run and state of the lake when dbt connected; a table, so that publishing sees the same values
with

final as (

    select
        cast(getvariable('run_id') as varchar) as run_id,
        cast(getvariable('run_started_at') as timestamp) as started_at,
        cast(getvariable('code_version') as varchar) as code_version,
        cast(getvariable('previous_run') as varchar) as previous_run,
        cast(getvariable('df_manager_tag') as varchar) as df_manager_tag,
        cast(getvariable('damaged_log_files') as varchar) as damaged_log_files,
        {% if var('training_day') -%}
        date {{ literal(var('training_day') | string) }}
        {%- else -%}
        -- a run in the evening decides for tomorrow, one after midnight for today
        cast(cast(getvariable('run_started_at') as timestamp) + interval 12 hours as date)
        {%- endif %} as training_day

)

select * from final
