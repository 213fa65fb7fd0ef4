with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}
    where set_aside_because is null

),

-- grouping all sessions is cheap, ranking them is not: only those that come twice are ranked
doubled as (

    select
        subject_id,
        session
    from behavior
    group by subject_id, session
    having count(*) > 1

),

-- SEMANTICS 13: the row with the most finished trials is the session; the other columns only make the choice stable
ranked as (

    select
        behavior.session_key,
        row_number() over (
            partition by behavior.subject_id, behavior.session
            order by
                behavior.finished_trials desc nulls last,
                behavior.foraging_efficiency desc nulls last,
                behavior.session_date desc nulls last,
                behavior.curriculum_name,
                behavior.curriculum_version,
                behavior.curriculum_schema_version,
                behavior.reported_stage nulls last,
                behavior.task nulls last
                {%- for metric in metrics() %},
                behavior.{{ metric.name }} desc nulls last
                {%- endfor %}
        ) as place
    from behavior
    semi join doubled on behavior.subject_id = doubled.subject_id and behavior.session = doubled.session

),

final as (

    select session_key from ranked
    where place > 1

)

select * from final
