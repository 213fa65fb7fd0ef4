{{ config(materialized='view') }}
{{ clauses_met(ref('int_walk__sessions'), ref('int_curricula__clauses')) }}
