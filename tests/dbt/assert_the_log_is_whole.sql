{{ config(
    severity='warn',
    meta={
        'says': 'files of the decision log are damaged; their decisions are missing from decision_log',
        'what_to_do': 'bring them back from the bucket\'s versions or a backup; decisions that stand are logged again by this run',
    },
) }}
with

run as (

    select * from {{ ref('stg_lake__run') }}

),

final as (

    select damaged_log_files from run
    where damaged_log_files is not null

)

select * from final
