{{ config(materialized='view') }}

with

final as (

    select
        subject_id,
        session,
        session_date,
        task,
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        reported_stage,
        trainer,
        rig,
        weight_after,
        water_in_session_total,
        bias_naive
        {%- for metric in metrics() %},
        {{ metric.name }}
        {%- endfor %}
    from {{ ref('stg_lake__sessions') }}

)

select * from final
