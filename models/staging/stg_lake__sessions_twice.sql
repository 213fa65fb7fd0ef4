with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}
    where set_aside_because is null

),

-- grouping all sessions is cheap, ranking them is not: only those that come twice are ranked
doubled as (

    select
        subject_id,
        session,
        min(session_date) as first_date
    from behavior
    group by subject_id, session
    having count(*) > 1

),

dated as (

    select
        behavior.*,
        -- SEMANTICS 30: days apart it is not the same session; the counter of the rig started anew
        coalesce(behavior.session_date - doubled.first_date > 3, false) as is_of_another_counter
    from behavior
    inner join doubled on behavior.subject_id = doubled.subject_id and behavior.session = doubled.session

),

-- SEMANTICS 13: the row with the most finished trials is the session; the other columns only make the choice stable
ranked as (

    select
        session_key,
        row_number() over (
            partition by subject_id, session
            order by
                finished_trials desc nulls last,
                foraging_efficiency desc nulls last,
                session_date desc nulls last,
                curriculum_name,
                curriculum_version,
                curriculum_schema_version,
                reported_stage nulls last,
                task nulls last
                {%- for metric in metrics() %},
                {{ metric.name }} desc nulls last
                {%- endfor %}
        ) as place
    from dated
    where not is_of_another_counter

),

final as (

    select
        session_key,
        'session_twice' as reason
    from ranked
    where place > 1

    union all

    select
        session_key,
        'session_counter_restarted' as reason
    from dated
    where is_of_another_counter

)

select * from final
