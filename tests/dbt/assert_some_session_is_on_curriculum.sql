{{ config(
    tags='gate',
    severity='warn',
    meta={
        'says': 'no session is on a curriculum, so no mouse is decided',
        'what_to_do': 'see whether curriculum_name is written upstream; where a table has no curriculum columns, tasks must be of the default_curriculum',
    },
) }}
-- SEMANTICS 1, 14 and 19; a night on which sessions went off curriculum is stopped, and a first night has none before it
with

behavior as (

    select * from {{ ref('stg_lake__behavior') }}

),

final as (

    select count(*) || ' sessions, newest of ' || coalesce(cast(max(session_date) as varchar), 'no day') as detail
    from behavior
    having count(*) filter (set_aside_because is distinct from 'off_curriculum') = 0

)

select * from final
