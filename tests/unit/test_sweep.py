"""The sweep over lines of models that unit tests must hold."""

from pathlib import Path

import pytest

from tests.sweep import changes, parts, survivors

# as dbt writes a unit test
WRITTEN = """
with dbt_internal_unit_test_actual as (
  select "subject_id", 'actual' as "actual_or_expected"
  from (
    with __dbt__cte__sessions as (
-- Fixture for sessions (
select '1)' as subject_id, 9 as trials union all select '2', 11
), final as (

    select subject_id
    from __dbt__cte__sessions
    where trials >= {limit}

)

select * from final
  ) _dbt_internal_unit_test_actual
),
dbt_internal_unit_test_expected as (
  select '2' as "subject_id", 'expected' as "actual_or_expected"
)
select * from dbt_internal_unit_test_actual union all select * from dbt_internal_unit_test_expected
"""


@pytest.mark.parametrize(
    ("limit", "survived"), [(10, ["where trials >= 10 -> where trials > 10"]), (11, [])], ids=["loose", "at the limit"]
)
def test_a_change_survives_where_no_row_tells_it_from_what_is_right(
    tmp_path: Path, limit: int, survived: list[str]
) -> None:
    path = tmp_path / "test.sql"
    path.write_text(WRITTEN.format(limit=limit))
    found, tried = survivors([path])
    assert ([str(change) for change in found], tried) == (survived, 2)


def test_only_lines_of_the_model_are_changed() -> None:
    _, lines, _ = parts(WRITTEN.format(limit=11))
    assert lines[0] == ", final as ("
    assert lines[-2] == "select * from final"


def test_a_line_is_dropped_and_each_of_its_words_changed() -> None:
    lines = ["    where a.id is not null", "    and max(x) >= coalesce(y, 0) -- why not", "    -- and not this"]
    assert {str(change) for _, change in changes(lines)} == {
        "where a.id is not null -> where a.id is null",
        "and max(x) >= coalesce(y, 0) -- why not -> nothing",
        *(
            f"and max(x) >= coalesce(y, 0) -- why not -> {after} -- why not"
            for after in (
                "or max(x) >= coalesce(y, 0)",
                "and min(x) >= coalesce(y, 0)",
                "and max(x) > coalesce(y, 0)",
                "and max(x) >= y",
            )
        ),
    }
