{%- set listed = policies() %}

with

walked as (

    select * from {{ ref('int_walk') }}
    -- SEMANTICS 27: a session that moves the mouse resets all parameters to the new stage's own
    where not_decided_because is null and next_stage_key = actual_stage_key

),

measures as (

    select * from {{ ref('int_sessions__measures') }}

),

stages_with_policies as (

    select distinct
        policies.curriculum,
        policies.stage,
        stages.curriculum_key,
        stages.stage_key
    from {{ ref('curriculum_policies') }} as policies
    inner join {{ ref('int_curricula') }} as curricula on policies.curriculum = curricula.curriculum
    inner join {{ ref('int_curricula__stages') }} as stages
        on curricula.curriculum_key = stages.curriculum_key and policies.stage = stages.stage

),

measured as (

    select
        walked.scenario,
        walked.session_key,
        cast(walked.session_at_current_stage as double) as session_at_current_stage,
        of_stage.curriculum,
        of_stage.stage,
        measures.* exclude (session_key)
    from walked
    inner join measures on walked.session_key = measures.session_key
    inner join stages_with_policies as of_stage
        on measures.curriculum_key = of_stage.curriculum_key and walked.actual_stage_key = of_stage.stage_key

),

given as (

    select
        measured.scenario,
        measured.session_key
        {%- for policy in listed %},
        case
            when measured.curriculum = {{ literal(policy.curriculum) }} and measured.stage = {{ literal(policy.stage) }}
                then {{ number_of_policy(policy.sql, policy.is_whole) }}
        end as policy_{{ loop.index }}
        {%- endfor %}
    from measured

),

-- as JSON, keys in order; where a policy gives nothing the stage's own value holds
final as (

    select
        scenario,
        session_key,
        nullif(
            '{' || concat_ws(
                ', '
                {%- for policy in listed %},
                '"{{ policy.parameter }}": ' || {{ text_of_policy('policy_' ~ loop.index, policy.is_whole) }}
                {%- endfor %}
            ) || '}',
            '{}'
        ) as next_parameters
    from given

)

select * from final
