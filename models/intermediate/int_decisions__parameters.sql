{{ config(materialized='view') }}
{%- set read = policies() | map(attribute='measures') | sum(start=[]) | unique | list %}

with

measured as (

    select
        *,
        -- SEMANTICS 29: what the decision read; of an older version, which did not keep it, what is known now
        {
            'session_total': session_total,
            'session_at_current_stage': session_at_current_stage
            {%- for measure in read %},
            '{{ measure }}': case when measures_read is null then {{ measure }} else measures_read['{{ measure }}'] end
            {%- endfor %}
        } as measured_then
    from {{ ref('int_decisions__measured') }}

),

policies as (

    select * from {{ ref('curriculum_policies') }}

),

final as (

    select
        measured.session_key,
        measured.subject_id,
        measured.session,
        measured.nth_newest,
        policies.parameter,
        policies.policy_in_words,
        try_cast(json_extract_string(measured.next_parameters, '$.' || policies.parameter) as double) as given,
        {{ of_policy('policies', 'sql') }} as computed,
        {{ of_policy('policies', 'explanation') | replace('measured.', 'measured_then.') }} as explanation
    from measured
    inner join policies
        on measured.curriculum = policies.curriculum and measured.current_stage_actual = policies.stage
    -- SEMANTICS 27: what a policy gives holds where the mouse stays; of a session that is gone nothing can be said
    where measured.next_stage_suggested = measured.current_stage_actual and measured.session_key is not null

)

select * from final
