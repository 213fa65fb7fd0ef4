-- identity of this run and state of the lake when dbt connected; a table, so that publishing sees the same values
{%- set zone = literal(var('lab_time_zone')) %}
{%- set untested = tests_not_selected() %}

with

clock as (

    select cast(getvariable('run_started_at') as timestamp) at time zone 'UTC' at time zone {{ zone }} as in_the_lab

),

final as (

    select
        cast(getvariable('run_id') as varchar) as run_id,
        cast(getvariable('run_started_at') as timestamp) as started_at,
        cast(getvariable('code_version') as varchar) as code_version,
        cast(getvariable('previous_run') as varchar) as previous_run,
        cast(getvariable('previous_started_at') as timestamp) as previous_started_at,
        cast(getvariable('df_manager_tag') as varchar) as df_manager_tag,
        cast(getvariable('damaged_log_files') as varchar) as damaged_log_files,
        {{ literal(invocation_id) }} as invocation_id,
        {{ literal(untested | join(', ')) }} as tests_that_do_not_run,
        {{ literal(tojson(let_through())) }} as let_through,
        {{ zone }} as lab_time_zone,
        {{ literal('full_refresh' if flags.FULL_REFRESH else 'night') }} as kind,
        {% if var('training_day') -%}
        date {{ literal(var('training_day') | string) }} as training_day,
        date {{ literal(var('training_day') | string) }} + 1 as tomorrow
        {%- else -%}
        -- from noon on a run decides for tomorrow, before for today
        cast(clock.in_the_lab + interval 12 hours as date) as training_day,
        cast(clock.in_the_lab as date) + 1 as tomorrow
        {%- endif %}
    from clock

)

select * from final
