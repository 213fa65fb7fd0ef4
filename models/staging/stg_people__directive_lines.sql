-- the file is read when dbt connects (auto_train/decisions/directives.py)
with

texts as (

    select unnest(from_json(cast(getvariable('directive_lines') as json), '["JSON"]')) as line

),

final as (

    select
        line ->> 'place' as place,
        cast(line ->> 'line_number' as integer) as line_number,
        line ->> 'subject_id' as subject_id,
        line ->> 'directive' as directive,
        line ->> 'stage' as stage,
        line ->> 'from_date' as from_date,
        line ->> 'until_date' as until_date,
        line ->> 'who' as who,
        line ->> 'why' as why,
        line ->> 'problem' as problem
    from texts

)

select * from final
