with

decisions as (

    select * from {{ ref('backtest_decisions') }}

),

curricula as (

    select * from {{ ref('int_curricula') }}

),

-- a pair compares what both decide for the same session of the same mouse
compared as (

    select
        a.curriculum_key as curriculum_key_a,
        b.curriculum_key as curriculum_key_b,
        count(*) as sessions,
        count(*) filter (where a.next_stage <> b.next_stage) as decisions_that_differ,
        count(*) filter (where a.is_newest) as mice,
        count(*) filter (where a.is_newest and a.next_stage <> b.next_stage) as mice_that_differ_tomorrow,
        list(a.subject_id order by a.subject_id) filter (where a.is_newest and a.next_stage <> b.next_stage)
            as which_mice
    from decisions as a
    inner join decisions as b
        on a.subject_id = b.subject_id and a.session = b.session and a.curriculum_key < b.curriculum_key
    group by a.curriculum_key, b.curriculum_key

),

graduation as (

    select
        curricula.curriculum_key,
        count(mice.sessions_to_graduation) as graduated,
        median(mice.sessions_to_graduation) as median_sessions_to_graduation
    from {{ ref('backtest_mice') }} as mice
    inner join curricula on {{ same_curriculum('mice', 'curricula') }}
    group by curricula.curriculum_key

),

final as (

    select
        a.curriculum_name as curriculum_name_a,
        a.curriculum_version as curriculum_version_a,
        b.curriculum_name as curriculum_name_b,
        b.curriculum_version as curriculum_version_b,
        compared.sessions,
        compared.decisions_that_differ,
        compared.mice,
        compared.mice_that_differ_tomorrow,
        compared.which_mice,
        graduation_a.graduated as graduated_a,
        graduation_b.graduated as graduated_b,
        graduation_a.median_sessions_to_graduation as median_sessions_to_graduation_a,
        graduation_b.median_sessions_to_graduation as median_sessions_to_graduation_b
    from compared
    inner join curricula as a on compared.curriculum_key_a = a.curriculum_key
    inner join curricula as b on compared.curriculum_key_b = b.curriculum_key
    left join graduation as graduation_a on compared.curriculum_key_a = graduation_a.curriculum_key
    left join graduation as graduation_b on compared.curriculum_key_b = graduation_b.curriculum_key

)

select * from final
