-- depends_on: {{ ref('stg_lake__run') }}
-- what published until now, and tonight's run; the records are read when dbt connects
with

records as (

    select
        unnest(from_json(cast(getvariable('publications') as json), '["JSON"]')) as record,
        unnest(range(cast(json_array_length(getvariable('publications')) as bigint))) as place

),

run as (

    select * from {{ ref('stg_lake__run') }}

),

published as (

    select
        place,
        record ->> 'id' as run_id,
        record ->> 'kind' as kind,
        record ->> 'rolled_back_to' as rolled_back_to,
        cast(record ->> 'started_at' as timestamptz) at time zone 'UTC' as started_at,
        cast(record ->> 'training_day' as date) as training_day
    from records

),

final as (

    select
        published.place,
        published.run_id,
        published.kind,
        published.rolled_back_to,
        published.started_at,
        -- an older version kept no record of the day and of what it told
        coalesce(
            published.training_day,
            cast(
                published.started_at at time zone 'UTC' at time zone run.lab_time_zone + interval 12 hours as date
            )
        ) as training_day,
        published.training_day is not null as has_told,
        false as is_tonight
    from published
    cross join run

    union all by name

    select
        cast(json_array_length(getvariable('publications')) as bigint) as place,
        run_id,
        kind,
        cast(null as varchar) as rolled_back_to,
        started_at,
        training_day,
        true as has_told,
        true as is_tonight
    from run

)

select * from final
