{{ config(materialized='view') }}

with

df_manager as (

    select * from {{ ref('df_manager') }}

),

sessions as (

    select
        session_key,
        subject_id,
        session
    from {{ ref('stg_lake__sessions') }}

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

rules as (

    select * from {{ ref('int_curricula__rules') }}

),

comparisons as (

    select * from {{ ref('int_curricula__comparisons') }}

),

-- which rules were tried follows from the stage that ran; the walk's result is not used
valued as (

    select
        df_manager.subject_id,
        df_manager.session,
        rules.rule_key,
        rules.rule_number,
        comparisons.alternative,
        comparisons.comparison_number,
        comparisons.measure,
        comparisons.measure_in_words,
        comparisons.operator,
        comparisons.threshold,
        {{ value_of_measure('comparisons.measure', 'measured', 'df_manager.session_at_current_stage') }}
            as measured_now,
        -- SEMANTICS 29: what the decision read; of an older version, which did not keep it, what is known now
        case
            when comparisons.measure = 'session_total' then cast(df_manager.session as double)
            when comparisons.measure = 'session_at_current_stage' then df_manager.session_at_current_stage
            when df_manager.measures_read is null then measured_now
            else df_manager.measures_read[comparisons.measure]
        end as measured,
        {{ parts_of_measure('comparisons.measure') }} as parts_now
    from df_manager
    left join sessions on df_manager.subject_id = sessions.subject_id and df_manager.session = sessions.session
    left join measures as measured on sessions.session_key = measured.session_key
    inner join curricula
        on
            df_manager.curriculum_name = curricula.curriculum_name
            and df_manager.curriculum_version = curricula.curriculum_version
            and df_manager.curriculum_schema_version = curricula.curriculum_schema_version
    inner join rules
        on curricula.curriculum_key = rules.curriculum_key and df_manager.current_stage_actual = rules.stage
    inner join comparisons on rules.rule_key = comparisons.rule_key

),

final as (

    select
        * exclude (parts_now),
        -- of another value than was read these are not the parts
        if(measured is distinct from measured_now, null, parts_now) as parts,
        {{ holds('measured', 'operator', 'threshold') }} as is_met
    from valued

)

select * from final
