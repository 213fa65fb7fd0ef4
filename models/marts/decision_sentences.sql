{{ config(materialized='view') }}

with

df_manager as (

    select
        *,
        row_number() over (partition by subject_id order by session desc) as nth_newest
    from {{ ref('df_manager') }}

),

reasons as (

    select * from {{ ref('decision_reasons') }}

),

ends as (

    select * from {{ ref('int_curricula__ends') }}

),

stages as (

    select * from {{ ref('stages') }}

),

-- of the rule that decided, the alternatives that hold; of another, all of them
worded as (

    select
        subject_id,
        session,
        nth_newest,
        rule_number,
        rule_decision,
        rule_to_stage_called,
        is_alternative_met,
        is_deciding_rule,
        alternative,
        -- SEMANTICS 29: what is known now is said beside what the decision read
        string_agg(
            measure_in_words || ' was ' || coalesce(format('{:.6g}', measured), 'missing') || ', is '
            || coalesce(format('{:.6g}', measured_now), 'missing') || ' now',
            '; '
            order by comparison_number
        ) filter (where measured is distinct from measured_now) as changed,
        string_agg(
            measure_in_words || ' ' || coalesce(format('{:.6g}', measured), 'missing') || coalesce(' = ' || parts, '') || ' ' || case
                when is_met then '' else 'not '
            end || {{ sign_of('operator') }} || ' ' || format('{:.6g}', threshold),
            ' and '
            order by comparison_number
        ) as words
    from reasons
    group by all

),

rules_in_words as (

    select
        subject_id,
        session,
        nth_newest,
        rule_number,
        rule_decision,
        rule_to_stage_called,
        is_deciding_rule,
        string_agg(changed, '; ' order by alternative) as changed,
        string_agg(words, ' or ' order by alternative) filter (where is_alternative_met or not is_deciding_rule) as words
    from worded
    group by all

),

per_decision as (

    select
        subject_id,
        session,
        nth_newest,
        max(words) filter (where is_deciding_rule) as why,
        string_agg(changed, '; ' order by rule_number) as changed,
        string_agg(rule_decision || ' to ' || rule_to_stage_called || ' would need ' || words, '; ' order by rule_number)
            filter (where not is_deciding_rule and rule_decision <> 'STAY') as why_not
    from rules_in_words
    group by subject_id, session, nth_newest

),

-- what the policies of the stage give the next session
parameters as (

    select
        subject_id,
        session,
        nth_newest,
        string_agg(
            parameter || ' ' || format('{:.6g}', given) || ' = ' || explanation
            -- its values have changed since
            || case when given is distinct from computed then ', now ' || coalesce(format('{:.6g}', computed), 'missing') else '' end,
            '; '
            order by parameter
        ) as words
    from {{ ref('int_decisions__parameters') }}
    where given is not null
    group by subject_id, session, nth_newest

),

final as (

    select
        df_manager.subject_id,
        df_manager.session,
        df_manager.nth_newest,
        df_manager.decision
        || case when df_manager.decision = 'STAY' then ' at ' else ' to ' end
        || coalesce(stages.called, df_manager.next_stage_suggested)
        || ': '
        || case
            when df_manager.session_at_current_stage = 0 then 'has not run yet; ' || df_manager.directive
            when df_manager.directive_kind <> 'enrol' then df_manager.directive
            when ends.is_graduation then 'graduated'
            when ends.stage is not null then 'training has ended'
            when per_decision.why is not null then per_decision.why
            when per_decision.why_not is not null then 'no rule holds; ' || per_decision.why_not
            else 'no rule holds'
        end
        || coalesce('; ' || parameters.words, '')
        || coalesce('; decided anew: ' || df_manager.decided_anew_because, '') as sentence,
        per_decision.changed as changed_since
    from df_manager
    left join per_decision on df_manager.subject_id = per_decision.subject_id and df_manager.nth_newest = per_decision.nth_newest
    left join parameters on df_manager.subject_id = parameters.subject_id and df_manager.nth_newest = parameters.nth_newest
    left join ends
        on
            {{ same_curriculum('df_manager', 'ends') }}
            and df_manager.current_stage_actual = ends.stage
    left join stages
        on
            {{ same_curriculum('df_manager', 'stages') }}
            and df_manager.next_stage_suggested = stages.stage

)

select * from final
