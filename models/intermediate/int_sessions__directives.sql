with

directives as (

    select * from {{ ref('stg_people__directives') }}

),

sessions as (

    select sessions.* from {{ ref('stg_lake__sessions') }} as sessions
    semi join directives on sessions.subject_id = directives.subject_id

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

published as (

    select
        subject_id,
        session
    from {{ ref('stg_lake__decisions') }}
    {%- if flags.FULL_REFRESH %}
    where false
    {%- endif %}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

curriculum_stages as (

    select * from {{ ref('int_curricula__stages') }}

),

lacking as (

    select words from {{ ref('directive_problems') }}
    where problem = 'stage_not_in_curriculum'

),

-- a decision takes effect when the subject runs next: what is in force on that day overrules it
dated as (

    select
        session_key,
        subject_id,
        session,
        session_date,
        curriculum_name,
        curriculum_version,
        curriculum_schema_version,
        case
            when lead(session) over (partition by subject_id order by session) is null then run.training_day
            else lead(session_date) over (partition by subject_id order by session)
        end as takes_effect_on
    from sessions
    cross join run

),

in_force as (

    select
        dated.session_key,
        -- one that has a problem holds the mouse, whatever others say
        min_by(directives.stage, (directives.problem is null, directives.line_number)) as stage,
        min_by(directives.applied_as, (directives.problem is null, directives.line_number)) as applied_as,
        min_by(directives.words, (directives.problem is null, directives.line_number)) as words
    from dated
    inner join directives
        on
            dated.subject_id = directives.subject_id
            and directives.overrules
            and (directives.valid_from is null or dated.takes_effect_on >= directives.valid_from)
            and (directives.valid_until is null or dated.takes_effect_on <= directives.valid_until)
    group by dated.session_key

),

on_its_day as (

    select
        dated.session_key,
        bool_or(directives.applied_as = 'off_curriculum') as is_off,
        min(directives.stage) filter (where directives.applied_as = 'enrol') as enrol_stage,
        min(directives.words) filter (where directives.applied_as = 'enrol') as enrol_words
    from dated
    inner join directives
        on
            dated.subject_id = directives.subject_id
            and (directives.valid_from is null or dated.session_date >= directives.valid_from)
            and (directives.valid_until is null or dated.session_date <= directives.valid_until)
    group by dated.session_key

),

-- a rig has no parameters for a stage that the curriculum lacks
known as (

    select
        dated.session_key,
        curriculum_stages.stage,
        curriculum_stages.stage_key
    from dated
    inner join curricula on {{ same_curriculum('dated', 'curricula') }}
    inner join curriculum_stages on curricula.curriculum_key = curriculum_stages.curriculum_key

),

final as (

    select
        dated.session_key,
        coalesce(on_its_day.is_off and published.session is null, false) as is_off,
        coalesce(enrolled.stage_key, 0) as enrol_stage_key,
        case when enrolled.stage_key is not null then on_its_day.enrol_words end as enrolment,
        case
            when in_force.applied_as is null then 0
            when in_force.applied_as = 'pin' and pinned.stage_key is not null then 2
            else 1
        end as directive_key,
        coalesce(pinned.stage_key, 0) as pin_stage_key,
        case when in_force.applied_as = 'pin' and pinned.stage_key is null then 'hold' else in_force.applied_as end
            as directive_kind,
        case
            when in_force.applied_as = 'pin' and pinned.stage_key is null
                then 'hold, because a directive has a problem (' || lacking.words || '): '
            else ''
        end || in_force.words as directive
    from dated
    cross join lacking
    left join in_force on dated.session_key = in_force.session_key
    left join on_its_day on dated.session_key = on_its_day.session_key
    left join published on dated.subject_id = published.subject_id and dated.session = published.session
    left join known as pinned
        on
            dated.session_key = pinned.session_key
            and in_force.applied_as = 'pin'
            and in_force.stage = pinned.stage
    left join known as enrolled
        on dated.session_key = enrolled.session_key and on_its_day.enrol_stage = enrolled.stage

)

select * from final
