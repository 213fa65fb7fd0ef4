{{ clauses_met(ref('backtest__sessions'), ref('int_curricula__clauses')) }}
