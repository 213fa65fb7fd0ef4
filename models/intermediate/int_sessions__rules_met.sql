{{ clauses_met(ref('int_sessions__to_decide'), ref('int_curricula__clauses')) }}
