{{ config(materialized='view') }}

with

measured as (

    select * from {{ ref('int_decisions__measured') }}

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
        measured.subject_id,
        measured.session,
        measured.nth_newest,
        rules.rule_key,
        rules.rule_number,
        comparisons.alternative,
        comparisons.comparison_number,
        comparisons.measure,
        comparisons.measure_in_words,
        comparisons.operator,
        comparisons.threshold,
        {{ value_of_measure('comparisons.measure', 'measured', 'measured.session_at_current_stage') }}
            as measured_now,
        -- SEMANTICS 29: what the decision read; of an older version, which did not keep it, what is known now
        case
            when comparisons.measure = 'session_total' then cast(measured.session as double)
            when comparisons.measure = 'session_at_current_stage' then measured.session_at_current_stage
            when measured.measures_read is null then measured_now
            else measured.measures_read[comparisons.measure]
        end as measured,
        {{ parts_of_measure('comparisons.measure') }} as parts_now
    from measured
    inner join rules
        on measured.curriculum_key = rules.curriculum_key and measured.current_stage_actual = rules.stage
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
