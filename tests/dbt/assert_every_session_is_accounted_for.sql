-- Nothing is lost: a row of df_behavior takes no part, is set aside with a reason, or has its decision in df_manager.
with

behavior as (

    select
        rowid as session_key,
        subject_id,
        session
    from {{ ref('stg_lake__behavior') }}
    where set_aside_because is null

),

set_aside as (

    select session_key from {{ ref('stg_lake__sessions_twice') }}

    union all

    select session_key from {{ ref('int_decisions') }}
    where not_decided_because is not null

),

df_manager as (

    select * from {{ ref('df_manager') }}

),

final as (

    select * from behavior
    anti join set_aside on behavior.session_key = set_aside.session_key
    anti join df_manager on behavior.subject_id = df_manager.subject_id and behavior.session = df_manager.session

)

select * from final
