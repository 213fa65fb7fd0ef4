-- depends_on: {{ source('lake', 'df_behavior') }}
-- depends_on: {{ ref('stg_lake__decisions') }}
-- depends_on: {{ ref('stg_people__directives') }}
-- depends_on: {{ ref('curricula') }}
-- depends_on: {{ ref('curriculum_parameters') }}
{%- set types = lake_columns('df_behavior') %}
{%- set columns = columns_read() %}
{%- set of_curricula = columns.curriculum_name + columns.curriculum_version + columns.curriculum_schema_version %}
{%- set has_curriculum = sources_of(types, of_curricula) | length > 0 or not execute %}
{%- set default = var('default_curriculum') %}
{%- set subject_type = (sources_of(types, columns.subject_id) | first or {}).type %}

with

df_behavior as (

    select * from {{ read_lake('df_behavior') }}

),

task_aliases as (

    select * from {{ ref('task_aliases') }}

),

curricula as (

    select * from {{ ref('curricula') }}

),

stages as (

    select * from {{ ref('training_stages') }}
    where not is_of_every_task

),

task_stages as (

    select * from {{ ref('task_stages') }}

),

typed as (

    select
        -- a float column writes 452272.0 for the subject 452272
        {% if subject_type in ['DOUBLE', 'FLOAT'] -%}
        regexp_replace({{ text_column(types, columns.subject_id) }}, '\.0$', '')
        {%- else -%}
        {{ text_column(types, columns.subject_id) }}
        {%- endif %} as subject_id,
        {{ number_column(types, columns.session) }} as session_number,
        {{ number_is_wrong(types, columns.session) }} as session_number__is_wrong,
        {{ date_column(types, columns.session_date) }} as session_date,
        {{ text_column(types, columns.session_date) }} is not null as has_session_date,
        {{ text_column(types, columns.task) }} as task,
        {% if has_curriculum -%}
        {{ text_column(types, columns.curriculum_name) }} as curriculum_name,
        regexp_replace({{ text_column(types, columns.curriculum_version) }}, '^v([0-9])', '\1') as curriculum_version,
        regexp_replace({{ text_column(types, columns.curriculum_schema_version) }}, '^v([0-9])', '\1')
            as curriculum_schema_version,
        {%- else -%}
        cast(null as varchar) as curriculum_name,
        cast(null as varchar) as curriculum_version,
        cast(null as varchar) as curriculum_schema_version,
        {%- endif %}
        {{ text_column(types, columns.reported_stage) }} as reported_stage,
        lower({{ text_column(types, columns.reported_override) }}) in ('true', '1', '1.0') as reported_override,
        {{ text_column(types, columns.trainer) }} as trainer,
        {{ text_column(types, columns.rig) }} as rig,
        {{ number_column(types, columns.weight_after) }} as weight_after,
        {{ number_column(types, columns.water_in_session_total) }} as water_in_session_total,
        {{ number_column(types, columns.bias_naive) }} as bias_naive
        {%- for metric in metrics() if not metric.formula %},
        {{ number_column(types, metric.columns) }} as {{ metric.name }},
        {{ number_is_wrong(types, metric.columns) }} as {{ metric.name }}__is_wrong
        {%- endfor %}
    from df_behavior

),

-- SEMANTICS 25: what a formula gives is missing where it is not a number, and never wrong
derived as (

    select
        *
        {%- for metric in metrics() if metric.formula %},
        case when isfinite({{ metric.formula }}) then {{ metric.formula }} end as {{ metric.name }},
        false as {{ metric.name }}__is_wrong
        {%- endfor %}
    from typed

),

one_spelling as (

    select derived.* replace (coalesce(task_aliases.task, derived.task) as task)
    from derived
    left join task_aliases on derived.task = task_aliases.alias

),
{%- if not has_curriculum %}

-- SEMANTICS 19: sessions from before auto training, of the default curriculum's task, where no other has been decided
default_curriculum as (

    select
        *,
        not exists (
            select 1 from {{ ref('stg_lake__decisions') }} as decisions
            where
                decisions.curriculum_name is distinct from {{ literal(default.name) }}
                or decisions.curriculum_version is distinct from {{ literal(default.version) }}
                or decisions.curriculum_schema_version is distinct from {{ literal(default.schema_version) }}
        ) as is_alone
    from {{ ref('curricula') }}
    where
        curriculum_name = {{ literal(default.name) }}
        and curriculum_version = {{ literal(default.version) }}
        and curriculum_schema_version = {{ literal(default.schema_version) }}

),

tasks_of_default as (

    select distinct parameters.value as task from {{ ref('curriculum_parameters') }} as parameters
    semi join default_curriculum on parameters.curriculum = default_curriculum.curriculum
    where parameters.parameter = 'task'

),
{%- endif %}

under_curricula as (

    {% if has_curriculum -%}
    select
        *,
        false as is_by_default
    from one_spelling
    {%- else -%}
    select
        one_spelling.* replace (
            default_curriculum.curriculum_name as curriculum_name,
            default_curriculum.curriculum_version as curriculum_version,
            default_curriculum.curriculum_schema_version as curriculum_schema_version
        ),
        default_curriculum.curriculum is not null as is_by_default
    from one_spelling
    left join tasks_of_default on one_spelling.task = tasks_of_default.task
    left join default_curriculum
        on default_curriculum.is_alone and (one_spelling.task is null or tasks_of_default.task is not null)
    {%- endif %}

),

-- SEMANTICS 24: a stage that only other tasks have says nothing
with_known_stages as (

    select
        under_curricula.*,
        stages.stage is not null and task_stages.stage is null as is_stage_of_another_task
    from under_curricula
    left join stages on under_curricula.reported_stage = stages.stage
    left join curricula on {{ same_curriculum('under_curricula', 'curricula') }}
    left join task_stages
        on
            coalesce(curricula.task, under_curricula.task) = task_stages.task
            and under_curricula.reported_stage = task_stages.stage

),

-- SEMANTICS 1: without a number or a curriculum name a session takes no part, which is not an error
numbered as (

    select
        * exclude (session_number, session_number__is_wrong, has_session_date),
        case
            when session_number between 0 and 9007199254740992 and session_number = floor(session_number)
                then cast(session_number as bigint)
        end as session,
        case
            when curriculum_name is null then 'off_curriculum'
            when session_number is null and not session_number__is_wrong then 'no_session_number'
            when
                subject_id is null
                or not regexp_full_match(subject_id, {{ literal(var('subject_id_pattern')) }})
                then 'subject_id_pattern'
            when
                session_number is null
                or session_number not between 0 and 9007199254740992
                or session_number <> floor(session_number)
                then 'session_is_no_whole_number'
            -- readers join on the date
            when has_session_date and session_date is null then 'unreadable_date'
        end as set_aside_because
    from with_known_stages

),
{%- if someone_says('continue_numbers') %}

-- SEMANTICS 31: from such a day on a counter counts on after the highest number before
continued as (

    select
        subject_id,
        valid_from
    from {{ ref('stg_people__directives') }}
    where applied_as = 'continue_numbers'

),

days as (

    select
        numbered.subject_id,
        numbered.session_date,
        max(numbered.session) as highest,
        (
            select count(*) from continued
            where continued.subject_id = numbered.subject_id and continued.valid_from <= numbered.session_date
        ) as counter
    from numbered
    where numbered.subject_id in (select continued.subject_id from continued)
    group by
        numbered.subject_id,
        numbered.session_date

),

counters as (

    select
        subject_id,
        counter,
        coalesce(sum(max(highest)) over (
            partition by subject_id order by counter rows between unbounded preceding and 1 preceding
        ), 0) as numbers_before
    from days
    group by
        subject_id,
        counter

),

final as (

    select numbered.* replace (
        cast(numbered.session + coalesce(counters.numbers_before, 0) as bigint) as session
    )
    from numbered
    left join days on numbered.subject_id = days.subject_id and numbered.session_date = days.session_date
    left join counters on days.subject_id = counters.subject_id and days.counter = counters.counter

)
{%- else %}

final as (

    select * from numbered

)
{%- endif %}

select * from final
