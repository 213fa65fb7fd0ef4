"""Formulas and policies: what they take, what they give in numpy and in SQL, and how they are explained."""

import json
import math
from random import Random

import duckdb
import numpy as np
import pytest

from curricula.conditions import ConditionError, Interval, Measure
from curricula.explanations import explanation_sql, expression_in_words
from curricula.expressions import Expression, expanded, parse_formula, parse_policy, sql, value_range, values
from tests import reference, worlds

METRICS = ("speed", "water")
SPEED, WATER = Measure("last", "speed", 1), Measure("last", "water", 1)


def column(measure: Measure) -> str:
    return f"measured.{measure.metric}"


def in_sql(of: str, rows: list[dict[str, float | None]]) -> list[object]:
    """What an expression over `measured` gives for each row."""
    with duckdb.connect() as database:
        database.execute("create table measured (place integer, speed double, water double)")
        database.executemany(
            "insert into measured values (?, ?, ?)",
            [(place, row["speed"], row["water"]) for place, row in enumerate(rows)],
        )
        return [value for (value,) in database.execute(f"select {of} from measured order by place").fetchall()]


def in_numpy(of: Expression, rows: list[dict[str, float | None]]) -> list[float | None]:
    arrays = {name: np.array([math.nan if row[name] is None else row[name] for row in rows]) for name in METRICS}
    found = np.broadcast_to(values(of, lambda measure: arrays[measure.metric]), len(rows))
    return [None if math.isnan(value) else float(value) for value in found]


@pytest.mark.parametrize("seed", range(60))
def test_a_policy_gives_the_same_in_sql_in_numpy_and_in_the_reference(seed: int) -> None:
    random = Random(seed)
    plain = worlds.expression(random, METRICS, [0.0, 0.1, 0.3, 2.0, -1.5])
    policy = parse_policy(worlds.expression_text(plain), METRICS)
    assert parse_policy(str(policy), METRICS) == policy
    rows = [{name: random.choice([0.0, 0.1, 0.2, 0.3, 2.0, -1.5, None]) for name in METRICS} for _ in range(40)]
    expected = [reference.evaluate(plain, [row], 0, 0) for row in rows]
    assert in_sql(sql(policy, column), rows) == expected
    assert in_numpy(policy, rows) == expected
    bounds = value_range(policy, lambda _: Interval(-1.5, 2.0))
    for value in expected:
        if value is None:
            assert bounds.may_be_missing
        else:
            assert bounds.interval is not None
            assert bounds.interval.lower <= value <= bounds.interval.upper
    assert all(isinstance(text, str) for text in in_sql(explanation_sql(policy, column), rows))


@pytest.mark.parametrize(
    ("text", "column", "problem", "allowed"),
    [
        ("last(speed) ** 2", 1, "unknown operator", "+ - * /"),
        ("speed * 2", 1, "'speed' needs a statistic", "last(speed)"),
        ("last(licks)", 6, "unknown metric 'licks'", "speed water"),
        ("clamp(last(speed), 1)", 1, "'clamp' with other arguments", "clamp(x, low, high)"),
        ("least(last(speed), 1, 2)", 1, "'least' with other arguments", "least(a, b)"),
        ("least(last(speed), 1, x=2)", 1, "'least' with other arguments", "least(a, b)"),
        ("speed.least(1, 2)", 1, "is not a measure", "numbers, measures"),
        ("~last(speed)", 1, "'~last(speed)' is not a measure", "numbers, measures"),
        ("not last(speed)", 1, "'not last(speed)' is not a measure", "numbers, measures"),
        ("1 if missing() else 2", 6, "'missing' with other arguments", "missing(measure)"),
        ("1 if missing(last(speed), 1) else 2", 6, "'missing' with other arguments", "missing(measure)"),
        ("1 if missing(last(speed), x=1) else 2", 6, "'missing' with other arguments", "missing(measure)"),
        ("1 if speed.missing(1) else 2", 6, "is not a comparison", "comparisons such as"),
        ("last(speed) > 2", 1, "is not a measure", "a if CONDITION else b"),
        ("1 if last(speed) else 2", 6, "is not a comparison", "comparisons such as"),
        ("1 if missing(speed) else 2", 14, "needs a statistic", "last(speed)"),
        ("True", 1, "is not a measure", "numbers, measures"),
        ("1e999", 1, "is too large", "numbers up to 1.8e308"),
        ("clamp(last(speed), 8, 4)", 1, "has its limits the wrong way round", "clamp(x, low, high)"),
        ("'x'", 1, "is not a measure", "numbers, measures"),
        ("__import__('os')", 1, "unknown statistic '__import__'", "last"),
        ("last(speed) +", 14, "this is not an expression", "numbers, measures"),
        ("last(speed) # x", 13, "'#'", "numbers, measures"),
        ("clamp(" * 30 + "last(speed)" + ", 0, last(water))" * 30, 1, "nested too deep", "numbers, measures"),
    ],
)
def test_what_is_not_a_policy_is_refused_with_its_column(text: str, column: int, problem: str, allowed: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_policy(text, METRICS)
    assert caught.value.column == column
    assert problem in str(caught.value)
    assert allowed in str(caught.value).split("allowed here: ")[1]


@pytest.mark.parametrize(
    "text", ["last(speed)", "speed if water > 1 else 2", "least(speed, 1)", "speed > 1", "speed % 2"]
)
def test_a_formula_has_names_numbers_and_arithmetic_only(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_formula(text)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("+last(speed)", "last(speed)"),
        ("-last(speed)", "-1 * last(speed)"),
        ("-(last(speed) + 2)", "-1 * (last(speed) + 2)"),
        ("+2 - -3", "2 - -3"),
        ("last(speed) * 2 / 3 - 1 + 4", "last(speed) * 2 / 3 - 1 + 4"),
        ("last(speed) * (2 / 3) - (1 + 4)", "last(speed) * (2 / 3) - (1 + 4)"),
        ("(last(speed) + 2) * 3", "(last(speed) + 2) * 3"),
    ],
)
def test_signs_and_parentheses_mean_what_they_do_in_arithmetic(text: str, means: str) -> None:
    rows: list[dict[str, float | None]] = [{"speed": 3.0, "water": None}]
    policy = parse_policy(text, METRICS)
    assert str(policy) == means
    expected = [eval(text, {"last": lambda _: 3.0, "speed": None})]
    assert in_numpy(policy, rows) == in_sql(sql(policy, column), rows) == expected


def test_a_formula_over_derived_metrics_is_one_over_what_they_are_computed_of() -> None:
    formulas = {"ratio": parse_formula("hits / trials"), "twice": parse_formula("ratio * 2")}
    assert str(expanded(parse_formula("twice"), formulas)) == "hits / trials * 2"
    assert str(expanded(parse_formula("1 - twice / (ratio + speed)"), formulas)) == (
        "1 - (hits / trials * 2 / (hits / trials + speed))"
    )


def test_what_is_divided_by_the_number_zero_is_missing_and_zero_has_no_sign() -> None:
    rows: list[dict[str, float | None]] = [{"speed": 3.0, "water": 0.0}, {"speed": 0.0, "water": None}]
    for text in ("last(speed) / 0", "least(last(speed) / 0, 1)", "1 - 2 / 0"):
        policy = parse_policy(text, METRICS)
        assert in_numpy(policy, rows) == in_sql(sql(policy, column), rows) == [None, None]
    assert [str(value) for value in in_numpy(parse_policy("0 * -1", METRICS), rows)] == ["0.0", "0.0"]


def test_a_formula_that_lacks_an_operand_or_divides_by_zero_is_missing() -> None:
    rows = [
        {"speed": 1.0, "water": 4.0}, {"speed": 1.0, "water": 0.0}, {"speed": 0.0, "water": -0.0},
        {"speed": None, "water": 4.0}, {"speed": 1.0, "water": None},
    ]  # fmt: skip
    formula = parse_formula("speed / water")
    assert str(formula) == "speed / water"
    assert in_sql(sql(formula, column), rows) == [0.25, None, None, None, None]


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("last(speed) * -2 + 1", -19, 1),
        ("1 / (last(speed) + 1)", 1 / 11, 1),
        ("1 / last(speed)", 0.1, math.inf),
        ("-1 / last(speed)", -math.inf, -0.1),
        ("last(speed) - last(water)", -math.inf, 10),
        ("clamp(last(water), 2, 4)", 2, 4),
        ("least(last(speed), 3)", 0, 3),
        ("last(speed) if last(speed) < 5 else 7", 0, 7),
        ("9 if missing(last(speed)) else last(speed)", 0, 10),
        ("last(speed) if missing(last(speed)) else 3", 3, 3),
        ("last(speed) if last(speed) > 10 else 3", 3, 3),
        ("count(speed > 3, 4) / 2", 0, 2),
        ("1 / (1 / (50 + (120 - 50) * clamp(last(water) / 150, 0, 1)))", 50, 120),
        # near zero, on either side of it
        ("last(speed) / last(speed)", 0, math.inf),
        ("-last(speed) / last(speed)", -math.inf, 0),
        ("last(speed) / -last(speed)", -math.inf, 0),
        ("-1 / -last(speed)", 0.1, math.inf),
        ("(last(speed) - 5) / last(speed)", -math.inf, math.inf),
        ("1 / (last(speed) - 5)", -math.inf, math.inf),
        # without an end
        ("-last(water) * last(speed)", -math.inf, 0),
        ("last(speed) * -last(water)", -math.inf, 0),
        ("-last(water) / (-1 - last(water))", 0, math.inf),
        # where a condition holds, and where it does not
        ("last(speed) if last(speed) >= 2 and last(speed) <= 5 else 3", 2, 5),
        ("last(speed) if last(speed) > 20 and last(water) > 1 else 3", 3, 3),
        ("last(speed) if last(speed) > 20 or last(speed) < -1 else 3", 3, 3),
        ("last(speed) if last(speed) > 20 or last(speed) < 5 else 3", 0, 10),
        ("12 if last(speed) < 5 else last(speed)", 5, 12),
        ("1 if missing(count(speed > 3, 4)) else 2", 2, 2),
    ],
)
def test_the_values_that_a_policy_can_give_are_known(text: str, lower: float, upper: float) -> None:
    def domain(measure: Measure) -> Interval:
        if measure.operator:
            return Interval(0, measure.window)
        return Interval(0, 10 if measure.metric == "speed" else math.inf)

    found = value_range(parse_policy(text, METRICS), domain).interval
    assert found is not None
    assert (found.lower, found.upper) == (pytest.approx(lower), pytest.approx(upper))


@pytest.mark.parametrize(
    ("text", "may_be_missing"),
    [
        ("2", False),
        ("last(speed)", True),
        ("count(speed > 3, 4)", False),
        ("1 / count(speed > 3, 4)", True),
        ("1 / (1 + count(speed > 3, 4))", False),
        ("last(speed) if last(speed) > 1 else 0", False),
        ("0 if last(speed) > 1 else last(speed)", True),
        ("9 if missing(last(speed)) else last(speed)", False),
        ("count(speed > 3, 4) if count(speed > 3, 4) > 1 else 2 * count(speed > 3, 4)", False),
    ],
)
def test_whether_a_policy_can_give_nothing_is_known(text: str, may_be_missing: bool) -> None:
    found = value_range(parse_policy(text, METRICS), lambda of: Interval(0, of.window if of.operator else 10))
    assert found.may_be_missing == may_be_missing


def test_the_least_of_what_is_missing_is_missing_in_sql_too() -> None:
    rows: list[dict[str, float | None]] = [{"speed": 1.0, "water": 4.0}, {"speed": 1.0, "water": 0.0}]
    for text in ("least(2 / count(water > 1, 3), 1)", "least(1, 2 / (0 + count(water > 1, 3)))"):
        policy = parse_policy(text, METRICS)
        assert in_sql(sql(policy, column), rows) == in_numpy(policy, rows) == [0.5, None]
    assert in_sql(sql(parse_policy("least(1 / 0, 2)", METRICS), column), rows) == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "last(speed) / 0",
        "last(speed) / 0 if last(water) > 1 else 2 / 0",
        "last(speed) / (2 - 2)",
        "1 if missing(last(speed)) and last(speed) > 1 else 2 / 0",
    ],
)
def test_what_is_always_missing_has_no_values(text: str) -> None:
    assert value_range(parse_policy(text, METRICS), lambda _: Interval()).interval is None


def test_a_policy_is_explained_with_the_values_it_was_computed_of() -> None:
    policy = parse_policy("clamp(last(speed) * 1.2, 8, 60)", METRICS)
    assert expression_in_words(policy) == "clamp(speed × 1.2, 8, 60)"
    rows = [{"speed": 12.0, "water": None}, {"speed": None, "water": None}]
    assert in_sql(explanation_sql(policy, column), rows) == ["clamp(12 × 1.2, 8, 60)", "clamp(missing × 1.2, 8, 60)"]
    choice = parse_policy(
        "(1 - last(speed)) / 2 + (0.8 if last(water) >= 0.6 and not missing(last(speed)) else 1)", METRICS
    )
    assert expression_in_words(choice) == "(1 − speed) / 2 + (0.8 if water ≥ 0.6 and speed is there, else 1)"
    rows = [{"speed": 3.0, "water": 0.65}, {"speed": 3.0, "water": 0.5}, {"speed": 3.0, "water": None}]
    assert in_sql(explanation_sql(choice, column), rows) == [
        "(1 − 3) / 2 + (0.8 because water 0.65 ≥ 0.6 and speed is 3)",
        "(1 − 3) / 2 + (1 because water 0.5 < 0.6)",
        "(1 − 3) / 2 + (1 because water is missing)",
    ]
    nested = "1 if (last(speed) > 4 or last(speed) < 2) and (last(water) > 0.5 or missing(last(water))) else 0"
    rows = [{"speed": 5.0, "water": None}, {"speed": 3.0, "water": 0.4}, {"speed": 1.0, "water": 0.4}]
    assert in_sql(explanation_sql(parse_policy(nested, METRICS), column), rows) == [
        "(1 because speed 5 > 4 and water is missing)",
        "(0 because speed 3 ≤ 4 and speed 3 ≥ 2 and water 0.4 ≤ 0.5 and water is 0.4)",
        "(0 because water 0.4 ≤ 0.5 and water is 0.4)",
    ]


def test_what_people_read_has_no_parentheses_around_products() -> None:
    policy = parse_policy("25 - (50 - last(speed)) * 2 - (1 + 2)", METRICS)
    assert expression_in_words(policy) == "25 − (50 − speed) × 2 − (1 + 2)"
    rows: list[dict[str, float | None]] = [{"speed": 12.0, "water": None}]
    assert in_sql(explanation_sql(policy, column), rows) == ["25 − (50 − 12) × 2 − (1 + 2)"]


def test_numbers_are_written_in_sql_as_json_has_them() -> None:
    numbers = [60.0, 14.399999999999999, 1e-7, 1e16, 0.1 + 0.2, 0.0001, 1 / 3, 5e-324]
    rows = [{"speed": number, "water": None} for number in numbers]
    assert in_sql("cast(measured.speed as varchar)", rows) == [json.dumps(number) for number in numbers]
