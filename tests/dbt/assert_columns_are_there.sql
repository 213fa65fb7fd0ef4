{{ config(
    tags='gate',
    severity='warn' if let_through('columns_missing') else 'error',
    meta={
        'gate': 'columns_missing',
        'says': 'df_behavior lacks columns that decisions need',
        'what_to_do': 'bring the column back under one of its names, or name the new one in the task (curricula/tasks)',
    },
) }}
-- SEMANTICS 16: also on the first night
with

columns as (

    select * from {{ ref('stg_lake__columns') }}

),

used as (

    select
        curriculum_name,
        curriculum_version,
        curriculum_schema_version
    from {{ ref('stg_lake__behavior') }}

    union

    select
        curriculum_name,
        curriculum_version,
        curriculum_schema_version
    from {{ ref('stg_lake__decisions') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

metrics_of_curricula as (

    select * from {{ ref('curriculum_metrics') }}

),

of_curricula as (

    select
        metrics_of_curricula.metric as read_as,
        min(curricula.curriculum) as curriculum
    from used
    inner join curricula on {{ same_curriculum('used', 'curricula') }}
    inner join metrics_of_curricula on curricula.curriculum = metrics_of_curricula.curriculum
    group by metrics_of_curricula.metric

),

-- one column of a curriculum without the others names no curriculum
needed as (

    select
        name as read_as,
        null as curriculum
    from unnest(['subject_id', 'session']) as always (name)

    union all

    select
        name as read_as,
        null as curriculum
    from unnest(['curriculum_name', 'curriculum_version', 'curriculum_schema_version']) as together (name)
    where exists (
        select 1 from columns
        where read_as in ('curriculum_name', 'curriculum_version', 'curriculum_schema_version')
    )

    union all

    select
        read_as,
        curriculum
    from of_curricula

),

missing as (

    select * from needed
    anti join columns on needed.read_as = columns.read_as

),

-- real tables have a hundred columns and more, and an alert shall have room for what helps
closest as (

    select
        columns.column_name,
        max(jaro_winkler_similarity(lower(columns.column_name), missing.read_as)) as closeness
    from columns
    cross join missing
    group by columns.column_name
    order by closeness desc, columns.column_name asc
    limit 12

),

final as (

    select read_as || coalesce(', which ' || curriculum || ' looks at', '') as detail from missing

    union all

    select
        'the closest of what there is: ' || string_agg(column_name, ', ' order by closeness desc, column_name asc)
            as detail
    from closest
    having exists (select 1 from missing)

)

select * from final
