with

decisions as (

    select * from {{ ref('backtest_decisions') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

numbered as (

    select
        *,
        row_number() over (partition by subject_id, curriculum_key order by session) as nth_decision
    from decisions

),

final as (

    select
        numbered.subject_id,
        curricula.curriculum_name,
        curricula.curriculum_version,
        curricula.curriculum_schema_version,
        count(*) as sessions,
        min(numbered.nth_decision) filter (where numbered.is_graduated) as sessions_to_graduation,
        max_by(numbered.next_stage, numbered.session) as next_stage
    from numbered
    inner join curricula on numbered.curriculum_key = curricula.curriculum_key
    group by all

)

select * from final
