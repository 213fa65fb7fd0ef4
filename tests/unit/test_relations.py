"""The walk of relations: scenarios share sessions and subjects, and none sees another's."""

from collections.abc import Iterator

import duckdb
import pyarrow.compute as pc
import pytest

from auto_train.decisions import relations

SESSIONS = """
    select *, 1 as curriculum_key, null as reported_stage_key, false as has_wrong_metric, false as is_off,
        0 as enrol_stage_key, 0 as directive_key, 0 as pin_stage_key
    from (values {rows}) as sessions (scenario, session_key, subject_key, session)
"""


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Stages 1 to 3 of a curriculum; clause 1 leads from the first to the second, 2 from there to the third."""
    with duckdb.connect() as connection:
        connection.execute("""
            create table clauses as
            select *, null as session_at_current_stage__lower, null as session_at_current_stage__upper
            from (values (1, 1, 1, 10, 2), (2, 2, 1, 20, 3))
                as clauses (clause_key, stage_key, rule_number, rule_key, to_stage_key);
            create table stages as from (values (1, 1, true, true, 1), (1, 2, false, true, 2), (1, 3, false, true, 3))
                as stages (curriculum_key, stage_key, is_first, has_rules, position);
            alter table stages add column is_end boolean default false;
            create table names as from (values (1, false), (2, false), (3, false)) as names (stage_key, is_absorbing);
        """)
        yield connection


def walked(
    database: duckdb.DuckDBPyConnection, sessions: str, met: str = "", before: str | None = None
) -> list[tuple[str, int, int, int, bool]]:
    """Scenario, session, stage that ran, stage that comes next, and whether it is the newest."""

    def rows(of: str, *columns: str) -> duckdb.DuckDBPyRelation:
        values = of or f"({', '.join('null' for _ in columns)})"
        where = "" if of else " where false"
        return database.sql(f"from (values {values}) as given ({', '.join(columns)}){where}")

    decided = relations.walked(
        database.sql(sessions),
        before and rows(before, "scenario", "subject_key", "session", "actual_stage_key", "next_stage_key"),
        rows(met, "scenario", "session_key", "clause_key"),
        database.table("clauses"),
        database.table("stages"),
        database.table("names"),
    )
    columns = ("scenario", "session_key", "actual_stage_key", "next_stage_key", "is_newest")
    return sorted(tuple(row.values()) for row in decided.select(columns).to_pylist())


def test_each_scenario_walks_its_own_sessions_by_its_own_clauses(database: duckdb.DuckDBPyConnection) -> None:
    sessions = SESSIONS.format(
        rows="('b', 7, 4, 1), ('b', 9, 4, 2), ('a''s', 7, 4, 1), ('a''s', 9, 4, 2), ('b', 0, 0, 1), ('a''s', 8, 3, 1)"
    )
    assert walked(database, sessions, "('b', 7, 1), ('b', 9, 2), ('a''s', 9, 1)") == [
        ("a's", 7, 1, 1, False),
        ("a's", 8, 1, 1, True),
        ("a's", 9, 1, 2, True),
        ("b", 0, 1, 1, True),
        ("b", 7, 1, 2, False),
        ("b", 9, 2, 3, True),
    ]


def test_decisions_before_are_those_of_the_scenario(database: duckdb.DuckDBPyConnection) -> None:
    sessions = SESSIONS.format(rows="('night', 9, 4, 3), ('replay', 8, 4, 2), ('replay', 9, 4, 3)")
    before = "('night', 4, 2, 2, 3), ('replay', 4, 1, 1, 2)"
    assert walked(database, sessions, "('replay', 8, 2)", before) == [
        ("night", 9, 3, 3, True),
        ("replay", 8, 2, 3, False),
        ("replay", 9, 3, 3, True),
    ]


def test_nothing_to_walk_is_an_empty_table(database: duckdb.DuckDBPyConnection) -> None:
    assert walked(database, SESSIONS.format(rows="('x', 1, 1, 1)") + " where false") == []


def test_a_decision_names_its_rule_and_what_is_not_decided_its_reason(database: duckdb.DuckDBPyConnection) -> None:
    # an end that the curriculum does not have
    database.execute("insert into names values (4, true)")
    sessions = SESSIONS.format(rows="('x', 0, 0, 1), ('x', 1, 0, 2), ('x', 2, 0, 3), ('x', 3, 1, 7)").replace(
        "1 as curriculum_key, null as reported",
        "if(session_key = 2, null, 1) as curriculum_key, if(subject_key = 1, 4, null) as reported",
    )
    decided = relations.walked(
        database.sql(sessions),
        None,
        database.sql("select 'x' as scenario, 0 as session_key, 1 as clause_key"),
        *map(database.table, ("clauses", "stages", "names")),
    )
    columns = (
        "session_key",
        "actual_stage_key",
        "next_stage_key",
        "direction",
        "rule_key",
        "is_first",
        "not_decided_because",
    )
    rows = decided.filter(pc.field("not_decided_because").is_null()).select(columns[:-1]).to_pylist()
    assert sorted(tuple(row.values()) for row in rows) == [
        (0, 1, 2, 1, 10, True),
        (1, 2, 2, 0, None, False),
        (3, 4, 4, 0, None, True),
    ]
    [other] = (
        decided.filter(pc.field("not_decided_because").is_valid())
        .select(["session_key", "not_decided_because"])
        .to_pylist()
    )
    assert tuple(other.values()) == (2, "unknown_curriculum")
