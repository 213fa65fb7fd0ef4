"""A measure means the same in SQL, in numpy, in the rigs' code and in the reference, to the last bit."""

import math
from random import Random
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from curricula.conditions import Comparison, Measure
from curricula.exchange import from_lambda
from curricula.statistics import STATISTICS, Statistic
from curricula.wording import as_lambda
from tests import reference

# sums of these do not come out even in binary, so the order of additions shows
VALUES = [0.1, 0.1, 0.6, 0.2, 0.3, 0.7, 3.0, None]


def in_sql(measure: Measure, histories: list[list[float | None]]) -> list[list[float | None]]:
    with duckdb.connect() as database:
        database.execute("create table sessions (mouse integer, session integer, m double)")
        rows = [(mouse, session, m) for mouse, of in enumerate(histories) for session, m in enumerate(of)]
        database.executemany("insert into sessions values (?, ?, ?)", rows)
        found = database.execute(f"""
            select mouse, session, {measure.sql} from sessions
            window history as (partition by mouse order by session) order by all
        """).fetchall()
    return [[value for number, _, value in found if number == mouse] for mouse in range(len(histories))]


@pytest.mark.parametrize("window", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(
    ("statistic", "of_count"),
    [
        (of, comparison)
        for of in STATISTICS.values()
        for comparison in ([(sign, 0.3) for sign in reference.OPERATORS] if of.takes_comparison else [()])
    ],
    ids=str,
)
def test_a_statistic_means_the_same_everywhere(
    statistic: Statistic, of_count: tuple[str, float] | tuple[()], window: int
) -> None:
    window = window if statistic.has_window else 1
    random = Random(window)
    histories = [[random.choice(VALUES) for _ in range(random.randint(1, 9))] for _ in range(200)]
    of = Measure(statistic.name, "m", window, *of_count)
    sql = in_sql(of, histories)
    looked_at = 0
    for mouse, history in enumerate(histories):
        for session in range(len(history)):
            so_far = history[: session + 1]
            of_window = [math.nan if value is None else value for value in so_far[-window:]]
            expected = reference.measure((statistic.name, "m", window, *of_count), [{"m": m} for m in so_far], 0, 0)
            [in_numpy] = of.values(np.array(of_window)[:, None])
            assert sql[mouse][session] == expected
            assert (None if math.isnan(in_numpy) else in_numpy) == expected
            if expected is not None:
                looked_at += 1
                code = as_lambda(Comparison(of, ">=", 0.0)).removeprefix("lambda metrics: ").removesuffix(" >= 0")
                # the rigs' metrics have NaN where a value is missing
                values = [math.nan if value is None else value for value in so_far]
                in_code = eval(code, {"np": np, "metrics": SimpleNamespace(m=values)})
                # numpy adds in another order
                assert in_code == pytest.approx(expected, rel=1e-15)
    assert looked_at > 200
    condition = Comparison(of, ">=", 0.0)
    assert from_lambda(as_lambda(condition), ["m"]) == condition


@pytest.mark.parametrize("threshold", [0.3, 1e-05])
@pytest.mark.parametrize("operator", reference.OPERATORS)
def test_a_count_compares_alike_in_sql_in_numpy_and_in_the_reference(operator: str, threshold: float) -> None:
    values = [0.3, None, 1e-05, 0.2, -1.0, 1e-05, 7.0, 0.3, None]
    count = ("count", "m", 4, operator, threshold)
    histories = [[{"m": value} for value in values[: session + 1]] for session in range(len(values))]
    expected = [reference.measure(count, history, 0, 0) for history in histories]
    assert len(set(expected)) > 1
    assert in_sql(Measure(*count), [values]) == [expected]
    windows = [np.array([math.nan if of["m"] is None else of["m"] for of in history[-4:]]) for history in histories]
    assert [Measure(*count).values(window[:, None])[0] for window in windows] == expected


def test_a_mean_is_added_from_the_oldest_to_the_newest() -> None:
    mean = Measure("mean", "m", 5)
    values = [0.1, 0.1, 0.6, 0.1]
    assert in_sql(mean, [values])[0][-1] == 0.225
    assert mean.values(np.array(values)[:, None])[0] == 0.225
