with

comparisons as (

    select * from {{ ref('curriculum_comparisons') }}

),

rules as (

    select
        rule_key,
        curriculum,
        stage,
        rule_number
    from {{ ref('int_curricula__rules') }}

),

final as (

    select
        rules.rule_key,
        comparisons.* exclude (curriculum, stage, rule_number)
    from comparisons
    inner join rules
        on
            comparisons.curriculum = rules.curriculum
            and comparisons.stage = rules.stage
            and comparisons.rule_number = rules.rule_number

)

select * from final
