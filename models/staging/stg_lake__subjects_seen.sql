-- depends_on: {{ source('lake', 'subjects_seen') }}
-- depends_on: {{ ref('stg_lake__run') }}
-- depends_on: {{ ref('stg_lake__decisions') }}
{#- Of a lake whose last run did not publish it, what its decisions tell. #}
{%- set types = lake_columns('subjects_seen') %}

with

final as (

    {% if types -%}
    select
        subject_id,
        session,
        session_date,
        is_on_curriculum,
        is_closed_loop
    from {{ read_lake('subjects_seen') }}
    {%- else -%}
    select
        subject_id,
        max(session) as session,
        max(session_date) as session_date,
        true as is_on_curriculum,
        max_by(if_closed_loop, session) as is_closed_loop
    from {{ ref('stg_lake__decisions') }}
    group by subject_id
    {%- endif %}

)

select * from final
