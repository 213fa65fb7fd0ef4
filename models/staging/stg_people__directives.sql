with

subject_directives as (

    select * from {{ ref('subject_directives') }}

),

directives as (

    select * from {{ ref('directives') }}

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
    from subject_directives

),

known as (

    select
        typed.*,
        directives.directive is not null as is_known,
        coalesce(directives.names_stage, false) as names_stage,
        -- a directive that is not understood holds its mouse
        coalesce(directives.overrules, true) as overrules
    from typed
    left join directives on typed.directive = directives.directive

),

-- an enrolment does not contradict other directives: it only says where a mouse starts
overlapping as (

    select distinct known.directive_number from known
    inner join known as others
        on
            known.subject_id = others.subject_id
            and known.directive_number <> others.directive_number
            and known.overrules = others.overrules
            and coalesce(known.valid_from, '-infinity') <= coalesce(others.valid_until, 'infinity')
            and coalesce(others.valid_from, '-infinity') <= coalesce(known.valid_until, 'infinity')

),

checked as (

    select
        known.* exclude (has_unreadable_date, is_known, names_stage),
        case
            when not known.is_known then 'unknown_directive'
            when known.names_stage and stages.stage is null then 'unknown_stage'
            when known.has_unreadable_date then 'unreadable_date'
            when known.valid_until < known.valid_from then 'until_before_from'
            when known.who is null or known.why is null then 'who_or_why_missing'
            when overlapping.directive_number is not null then 'overlaps_another'
        end as problem
    from known
    left join stages on known.stage = stages.stage
    left join overlapping on known.directive_number = overlapping.directive_number

),

-- a mouse whose directive is not understood is held until someone fixes it
final as (

    select
        * exclude (overrules),
        overrules or problem is not null as overrules,
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
