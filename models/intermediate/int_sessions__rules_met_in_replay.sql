{{ clauses_met(ref('int_sessions__to_replay'), ref('int_curricula__clauses')) }}
