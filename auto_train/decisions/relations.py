"""Convert relations to the walk's arrays and its result to Arrow, for every model that walks."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auto_train.decisions import walk

SCHEMA = pa.schema(
    [
        ("session_key", pa.int32()),
        ("suggested_stage_key", pa.int8()),
        ("actual_stage_key", pa.int8()),
        ("session_at_current_stage", pa.int32()),
        ("next_stage_key", pa.int8()),
        ("rule_key", pa.int32()),
        ("is_first", pa.bool_()),
        ("is_newest", pa.bool_()),
        ("not_decided_because", pa.string()),
    ]
)


def sessions(relation: Any) -> walk.Sessions:
    """Sessions to decide, from the columns of int_sessions__to_decide."""
    return walk.Sessions(
        *columns(
            relation,
            "session_key",
            "subject_key",
            "session",
            "coalesce(curriculum_key, 0)",
            "coalesce(reported_stage_key, 0)",
            "has_wrong_metric",
            "is_off",
            "enrol_stage_key",
            "directive_key",
            "pin_stage_key",
        )
    )


def before(relation: Any) -> walk.Before:
    """Decisions that stand, from the columns of int_decisions__before."""
    return walk.Before(*columns(relation, "subject_key", "session", "actual_stage_key", "next_stage_key"))


def met(relation: Any) -> walk.Met:
    """Clauses met, from the columns of int_sessions__rules_met."""
    return walk.Met(*columns(relation, "session_key", "clause_key"))


def clauses(relation: Any) -> walk.Clauses:
    """Clauses, from the columns of int_curricula__clauses."""
    clause_key, *bounds = columns(
        relation,
        "clause_key",
        "stage_key",
        "rule_number",
        "rule_key",
        "to_stage_key",
        "coalesce(session_at_current_stage__lower, '-inf'::double)",
        "coalesce(session_at_current_stage__upper, 'inf'::double)",
    )
    return walk.Clauses(*(by_key(clause_key, column) for column in bounds))


def stages(relation: Any) -> walk.Stages:
    """Stages, from the columns of int_curricula__stages."""
    curriculum, stage, is_first, has_rules = columns(relation, "curriculum_key", "stage_key", "is_first", "has_rules")
    rules = np.zeros((int(curriculum.max(initial=0)) + 1, walk.GRADUATED + 1), np.bool_)
    rules[curriculum, stage] = has_rules
    return walk.Stages(by_key(curriculum[is_first], stage[is_first]), rules)


def to_table(decided: walk.Decided) -> pa.Table:
    """The decisions with an explicit schema."""
    columns = decided._asdict()
    columns["rule_key"] = pa.array(decided.rule_key, mask=decided.rule_key == 0)
    columns["reason"] = pa.array(walk.REASONS, pa.string()).take(pa.array(decided.reason))
    return pa.Table.from_arrays(
        [pa.array(column).cast(field.type) for column, field in zip(columns.values(), SCHEMA, strict=True)],
        schema=SCHEMA,
    )


def by_key(key: NDArray[Any], value: NDArray[Any]) -> NDArray[Any]:
    """An array indexed by key; what no key names is 0."""
    indexed = np.zeros(int(key.max(initial=0)) + 1, value.dtype)
    indexed[key] = value
    return indexed


def columns(relation: Any, *expressions: str) -> list[NDArray[Any]]:
    """Columns of a DuckDB relation as arrays; none of them may have missing values."""
    return list(relation.project(", ".join(expressions)).fetchnumpy().values())
