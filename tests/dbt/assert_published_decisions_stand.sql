-- What was published is never rewritten, but for the provisional decisions that were reopened. The record of what a
-- decision read is kept only while it is provisional.
{%- set published = adapter.get_columns_in_relation(ref('stg_lake__decisions')) | map(attribute='name') %}

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
        {%- for column in published if column not in ('subject_id', 'session', 'inputs_read') %}
        or standing.{{ column }} is distinct from df_manager.{{ column }}
        {%- endfor %}

)

select * from final
