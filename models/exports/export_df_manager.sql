with

-- the same rows give the same bytes
in_order as (

    select * from {{ ref('df_manager') }}
    order by subject_id, session

),

final as (

    select
        * replace (
            {%- for column, type in df_manager_columns().items() if type == 'date' %}
            {{- ', ' if not loop.first }}cast({{ column }} as varchar) as {{ column }}
            {%- endfor -%}
        ),
        {{ curriculum_json_name('in_order') }} as curriculum_json_name
    from in_order

)

select * from final
