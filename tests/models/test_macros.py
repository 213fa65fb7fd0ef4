"""What macros write, run on rows of our own; those that stand in one model only are tested with it."""

import json

import duckdb
import pytest

from tests.conftest import Project

pytestmark = pytest.mark.xdist_group("models")

MACROS = {
    "own_fingerprint": "{{ own_fingerprint('sessions') }}",
    "history_fingerprint": "{{ history_fingerprint('sessions') }}",
    "decision_of": "{{ decision_of('decisions', 'rules') }}",
    "sign_of": "{{ sign_of('operator') }}",
    "curriculum_json_name": "{{ curriculum_json_name('sessions') }}",
    "test_unique_together": "{{ test_unique_together('given', ['subject_id', 'session']) }}",
}


@pytest.fixture(scope="module")
def written(small_lab: Project) -> dict[str, str]:
    """The SQL that each macro writes."""
    succeeded, problems = small_lab.dbt("compile", "--inline", ";".join(MACROS.values()))
    assert succeeded, problems
    [compiled] = (small_lab.workplace / "target/compiled").rglob("inline_query")
    return dict(zip(MACROS, compiled.read_text(encoding="utf-8").split(";"), strict=True))


def sessions_each_changed_in_one_column(small_lab: Project) -> tuple[list[str], str]:
    """The columns of a session, and SQL of rows: an unchanged one, and for each column two that differ in it alone."""
    types = dict(small_lab.query("select column_name, column_type from (describe staging.stg_lake__sessions)"))
    value = {"VARCHAR": "'a'", "DATE": "date '2024-01-01'", "BOOLEAN": "false", "DOUBLE": "1.5", "BIGINT": "1"}
    other = {"VARCHAR": "'b'", "DATE": "date '2024-01-02'", "BOOLEAN": "true", "DOUBLE": "1.6", "BIGINT": "2"}
    unchanged = "select 'nothing' as changed, " + ", ".join(
        f"cast({value[of]} as {of}) as {name}" for name, of in types.items()
    )
    rows = [unchanged] + [
        f"select * replace ('{name}' as changed, cast({new} as {of}) as {name}) from ({unchanged})"
        for name, of in types.items()
        for new in (other[of], "null")
    ]
    return list(types), " union all ".join(rows)


NO_INPUT = {  # what no rule and no decision looks at
    "session_key", "subject_id", "session", "reported_override", "trainer", "rig", "weight_after",
    "water_in_session_total", "bias_naive", "is_by_default",
    "is_stage_of_another_task",
}  # fmt: skip
ONLY_OF_ITS_OWN = {
    "session_date", "task", "curriculum_name", "curriculum_version", "curriculum_schema_version", "reported_stage",
}  # fmt: skip


@pytest.mark.parametrize("macro", ["own_fingerprint", "history_fingerprint"])
def test_a_fingerprint_changes_with_every_column_that_a_decision_reads_and_with_no_other(
    small_lab: Project, written: dict[str, str], macro: str
) -> None:
    columns, rows = sessions_each_changed_in_one_column(small_lab)
    fingerprints = duckdb.sql(f"select changed, {written[macro]} from ({rows}) as sessions").fetchall()
    unchanged = fingerprints[0][1]
    changes: dict[str, list[bool]] = {}
    for column, fingerprint in fingerprints[1:]:
        changes.setdefault(column, []).append(fingerprint != unchanged)
    wrong = {column for column in columns if column.endswith("__is_wrong")}
    read = set(columns) - NO_INPUT
    if macro == "history_fingerprint":
        read -= ONLY_OF_ITS_OWN | wrong
    # whether a number is wrong is never missing
    assert {column: of[0] for column, of in changes.items()} == {column: column in read for column in columns}
    assert {column for column, of in changes.items() if of[1]} - wrong == read - wrong


def test_a_decision_is_that_of_its_rule_and_without_one_where_the_mouse_goes(written: dict[str, str]) -> None:
    decided = duckdb.sql(f"""
        select {written["decision_of"]} from (values
            (1, 'PROGRESS', 3, 4), (2, 'ROLLBACK', 3, 4), (3, 'STAY', 3, 2),
            (4, null, 3, 4), (5, null, 3, 2), (6, null, 3, 3)
        ) as given (place, decision, actual, next)
        cross join lateral (select sign(next - actual) as direction) as decisions
        cross join lateral (select given.decision) as rules
        order by place
    """).fetchall()
    assert decided == [("PROGRESS",), ("ROLLBACK",), ("STAY",), ("PROGRESS",), ("ROLLBACK",), ("STAY",)]


def test_operators_have_the_signs_that_people_know(written: dict[str, str]) -> None:
    signs = duckdb.sql(f"""
        select operator, {written["sign_of"]} from (values ('>='), ('>'), ('<='), ('<'), ('=='), ('!='))
        as given (operator)
    """)
    assert dict(signs.fetchall()) == {">=": "≥", ">": ">", "<=": "≤", "<": "<", "==": "=", "!=": "≠"}


def test_a_session_names_the_file_that_its_rig_loads(written: dict[str, str]) -> None:
    name = duckdb.sql(f"""
        select {written["curriculum_json_name"]} from (
            select 'Coupled Baiting' as curriculum_name, '2.3' as curriculum_version, '1.0' as curriculum_schema_version
        ) as sessions
    """)
    assert name.fetchall() == [("Coupled Baiting_curriculum_v2.3_schema_v1.0.json",)]


def test_rows_are_together_no_more_than_once(written: dict[str, str]) -> None:
    found = duckdb.sql(f"""
        with given as (
            select * from (values ('1', 1), ('1', 2), ('2', 1), ('2', 1), ('3', 1), ('3', 1), ('3', 1))
            as rows_of (subject_id, session)
        )
        {written["test_unique_together"]}
    """)
    assert sorted(found.fetchall()) == [("2", 1, 2), ("3", 1, 3)]


def test_nobody_lets_a_gate_through_without_a_reason(small_lab: Project) -> None:
    variables = {"let_through": [{"gate": "mice_change_stage", "who": "Anna"}]}
    succeeded, problems = small_lab.dbt("parse", "--vars", json.dumps(variables))
    assert (succeeded, "has no why" in problems) == (False, True)
