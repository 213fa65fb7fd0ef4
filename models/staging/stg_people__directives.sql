with

lines as (

    select * from {{ ref('stg_people__directive_lines') }}

),

directives as (

    select * from {{ ref('directives') }}

),

problems as (

    select * from {{ ref('directive_problems') }}

),

stages as (

    select * from {{ ref('training_stages') }}

),

curricula as (

    select distinct curriculum from {{ ref('curricula') }}

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

dated as (

    select
        place,
        line_number,
        subject_id,
        lower(directive) as directive_named,
        stage as stage_named,
        directive_named as directive,
        case when directive_named <> 'enrol' or not contains(stage_named, '/') then stage_named end as stage,
        -- an enrolment may name a curriculum in place of a stage
        case when directive_named = 'enrol' and contains(stage_named, '/') then stage_named end as curriculum,
        {{ day_of_text('from_date') }} as first_day,
        {{ day_of_text('until_date') }} as last_day,
        from_date is not null and first_day is null or until_date is not null and last_day is null
            as has_unreadable_date,
        coalesce(last_day < first_day, false) as ends_before_it_starts,
        not has_unreadable_date and not ends_before_it_starts as has_days,
        who,
        why,
        problem as problem_of_line
    from lines

),

known as (

    select
        dated.* exclude (first_day, last_day),
        -- dates that are not understood limit nothing: a mouse would be let go on a day that nobody meant
        case when dated.has_days then dated.first_day end as valid_from,
        case when dated.has_days then dated.last_day end as valid_until,
        directives.directive is not null as is_known,
        coalesce(directives.names_stage, false) as names_stage,
        coalesce(directives.needs_day, false) as needs_day,
        -- a directive that is not understood holds its mouse
        coalesce(directives.overrules, true) as overrules,
        coalesce(valid_until < run.training_day, false) as is_over,
        coalesce(valid_from <= run.training_day, true) and not is_over as is_in_force
    from dated
    cross join run
    left join directives on dated.directive = directives.directive

),

-- what overrules contradicts what overrules, and an enrolment another one
overlapping as (

    select distinct known.line_number from known
    inner join known as others
        on
            known.subject_id = others.subject_id
            and known.line_number <> others.line_number
            and (known.overrules and others.overrules or known.directive = 'enrol' and others.directive = 'enrol')
            -- what is past contradicts nothing that is still to come
            and known.is_over = others.is_over
            and coalesce(known.valid_from, '-infinity') <= coalesce(others.valid_until, 'infinity')
            and coalesce(others.valid_from, '-infinity') <= coalesce(known.valid_until, 'infinity')

),

checked as (

    select
        known.* exclude (
            has_unreadable_date,
            ends_before_it_starts,
            has_days,
            problem_of_line,
            is_known,
            names_stage,
            needs_day,
            directive_named,
            stage_named
        ),
        case
            when known.problem_of_line is not null then known.problem_of_line
            when known.subject_id is null then 'subject_is_missing'
            when not known.is_known then 'unknown_directive'
            when known.curriculum is not null and curricula.curriculum is null then 'unknown_curriculum'
            when known.names_stage and known.curriculum is null and stages.stage is null then 'unknown_stage'
            when known.has_unreadable_date then 'unreadable_date'
            when known.ends_before_it_starts then 'until_before_from'
            when known.needs_day and known.valid_from is null then 'day_missing'
            when known.who is null or known.why is null then 'who_or_why_missing'
            when overlapping.line_number is not null then 'overlaps_another'
        end as problem,
        coalesce(known.directive, 'none')
        || coalesce(' ' || known.stage_named, '')
        || coalesce(' by ' || known.who, '')
        || case when known.needs_day then coalesce(' from ' || known.valid_from, '') else '' end
        || coalesce(' until ' || known.valid_until, '')
        || coalesce(': ' || known.why, '') as said
    from known
    left join stages on known.stage = stages.stage
    left join curricula on known.curriculum = curricula.curriculum
    left join overlapping on known.line_number = overlapping.line_number

),

-- a mouse whose directive is not understood is held until someone fixes it
final as (

    select
        checked.* exclude (overrules, said),
        checked.overrules or checked.problem is not null as overrules,
        case when checked.problem is null then checked.directive else 'hold' end as applied_as,
        coalesce('hold, because a directive has a problem (' || problems.words || '): ', '') || checked.said as words,
        -- a whole file that cannot be used says nothing about a mouse
        checked.place || ': ' || problems.words || case
            when checked.line_number is null then ''
            else ' (' || coalesce(checked.subject_id || ': ', '') || checked.said || ')'
        end as problem_in_words
    from checked
    left join problems on checked.problem = problems.problem

)

select * from final
