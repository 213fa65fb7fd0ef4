"""Walk relations: to the walk's arrays and from its result to Arrow, for every model that walks."""

from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auto_train.decisions import walk

SCHEMA = pa.schema(
    [
        ("scenario", pa.dictionary(pa.int32(), pa.string())),
        ("session_key", pa.int32()),
        ("suggested_stage_key", pa.int16()),
        ("actual_stage_key", pa.int16()),
        ("session_at_current_stage", pa.int32()),
        ("next_stage_key", pa.int16()),
        ("direction", pa.int8()),
        ("rule_key", pa.int32()),
        ("is_first", pa.bool_()),
        ("is_newest", pa.bool_()),
        ("not_decided_because", pa.string()),
    ]
)


def walked(sessions: Any, before: Any | None, met: Any, clauses: Any, stages: Any, names: Any) -> pa.Table:
    """The walk of every subject of every scenario.

    Args:
        sessions: as int_walk__sessions.
        before: as int_walk__before; None where every scenario starts from nothing.
        met: as int_walk__rules_met.
        clauses: as int_curricula__clauses.
        stages: as int_curricula__stages.
        names: as training_stages.
    """
    keys = _Keys.of(sessions)
    decided = walk.walk(
        _sessions(sessions, keys), _before(before, keys), _clauses(clauses), _stages(stages, names), _met(met, keys)
    )
    return _to_table(decided, keys)


class _Keys(NamedTuple):
    """Keys for the walk, which knows no scenarios: a session, or a subject, has a key of its own in each.

    Attributes:
        scenarios: their names; the keys of each follow those of the one before it.
        sessions, subjects: how many keys each scenario has room for.
    """

    scenarios: list[str]
    sessions: int
    subjects: int

    @classmethod
    def of(cls, sessions: Any) -> Self:
        """Keys for the scenarios of these sessions, with room for the highest that there is."""
        [found] = sessions.aggregate(
            "list_sort(coalesce(list(distinct scenario), [])),"
            " coalesce(max(session_key), 0) + 1, coalesce(max(subject_key), 0) + 1"
        ).fetchall()
        return cls(*found)

    @property
    def session_key(self) -> str:
        """SQL: the walk's key of a session."""
        return f"{self._scenario_number} * {self.sessions} + session_key"

    @property
    def subject_key(self) -> str:
        """SQL: the walk's key of a subject."""
        return f"{self._scenario_number} * {self.subjects} + subject_key"

    @property
    def _scenario_number(self) -> str:
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in self.scenarios)
        return f"(list_position(cast([{names}] as varchar[]), scenario) - 1)"


def _sessions(relation: Any, keys: _Keys) -> walk.Sessions:
    """Sessions to decide, from the columns of int_walk__sessions."""
    return walk.Sessions(
        *columns(
            relation,
            keys.session_key,
            keys.subject_key,
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


def _before(relation: Any | None, keys: _Keys) -> walk.Before:
    """Decisions that stand, from the columns of int_walk__before."""
    if relation is None:
        return walk.Before(*(np.zeros(0, np.int64) for _ in walk.Before._fields))
    return walk.Before(*columns(relation, keys.subject_key, "session", "actual_stage_key", "next_stage_key"))


def _met(relation: Any, keys: _Keys) -> walk.Met:
    """Clauses met, from the columns of int_walk__rules_met."""
    return walk.Met(*columns(relation, keys.session_key, "clause_key"))


def _clauses(relation: Any) -> walk.Clauses:
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


def _stages(relation: Any, names: Any) -> walk.Stages:
    """Stages, from the columns of int_curricula__stages and training_stages."""
    curriculum, stage, is_first, *of_stage = columns(
        relation, "curriculum_key", "stage_key", "is_first", "has_rules", "is_end", "position"
    )
    key, is_absorbing = columns(names, "stage_key", "is_absorbing")
    shape = int(curriculum.max(initial=0)) + 1, int(key.max(initial=0)) + 1
    # a mouse may be at an end that its curriculum does not have; every other stage comes before it
    absorbing = np.tile(by_key(key, is_absorbing), (shape[0], 1))
    found = [np.zeros(shape, np.bool_), absorbing, np.full(shape, np.iinfo(np.int16).max)]
    for array, values in zip(found, of_stage, strict=True):
        array[curriculum, stage] = values
    return walk.Stages(by_key(curriculum[is_first], stage[is_first]), *found)


def _to_table(decided: walk.Decided, keys: _Keys) -> pa.Table:
    """The decisions with an explicit schema."""
    scenario, session_key = np.divmod(decided.session_key, keys.sessions)
    columns = decided._asdict()
    columns["session_key"] = session_key
    columns["rule_key"] = pa.array(decided.rule_key, mask=decided.rule_key == 0)
    columns["reason"] = pa.array(walk.REASONS, pa.string()).take(pa.array(decided.reason))
    names = pa.DictionaryArray.from_arrays(pa.array(scenario, pa.int32()), pa.array(keys.scenarios, pa.string()))
    return pa.Table.from_arrays(
        [pa.array(column).cast(field.type) for column, field in zip([names, *columns.values()], SCHEMA, strict=True)],
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
