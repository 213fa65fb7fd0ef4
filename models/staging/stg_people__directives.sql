with

directives as (

    select * from {{ ref('subject_directives') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

typed as (

    select
        row_number() over (order by subject_id, from_date, until_date, directive, stage, who, why) as directive_number,
        trim(subject_id) as subject_id,
        lower(trim(directive)) as directive,
        nullif(trim(stage), '') as stage,
        try_cast(from_date as date) as valid_from,
        try_cast(until_date as date) as valid_until,
        coalesce(from_date is not null and try_cast(from_date as date) is null, false)
        or coalesce(until_date is not null and try_cast(until_date as date) is null, false) as has_unreadable_date,
        nullif(trim(who), '') as who,
        nullif(trim(why), '') as why
    from directives

),

-- where a subject begins and what it is told to do from then on do not contradict each other
overlapping as (

    select distinct typed.directive_number from typed
    inner join typed as others
        on
            typed.subject_id = others.subject_id
            and typed.directive_number <> others.directive_number
            and (typed.directive = 'enrol') = (others.directive = 'enrol')
            and coalesce(typed.valid_from, '-infinity') <= coalesce(others.valid_until, 'infinity')
            and coalesce(others.valid_from, '-infinity') <= coalesce(typed.valid_until, 'infinity')

),

checked as (

    select
        typed.* exclude (has_unreadable_date),
        case
            when
                typed.directive is null or typed.directive not in ('hold', 'pin', 'off_curriculum', 'enrol')
                then 'unknown_directive'
            when typed.directive in ('pin', 'enrol') and stages.stage is null then 'unknown_stage'
            when typed.has_unreadable_date then 'unreadable_date'
            when typed.valid_until < typed.valid_from then 'until_before_from'
            when typed.who is null or typed.why is null then 'who_or_why_missing'
            when overlapping.directive_number is not null then 'overlaps_another'
        end as problem
    from typed
    left join stages on typed.stage = stages.stage
    left join overlapping on typed.directive_number = overlapping.directive_number

),

-- what is not understood moves no mouse: it is held until someone mends the directive
final as (

    select
        *,
        case when problem is null then directive else 'hold' end as applied_as,
        case when problem is null then '' else 'hold, because a directive has a problem (' || problem || '): ' end
        || coalesce(directive, 'none')
        || coalesce(' ' || stage, '')
        || coalesce(' by ' || who, '')
        || coalesce(' until ' || valid_until, '')
        || coalesce(': ' || why, '') as words
    from checked

)

select * from final
