"""The condition language: what it takes, and what it says of the rest."""

import pytest

from curricula.conditions import ConditionError, Interval, Measure, clauses, parse

METRICS = ("finished_trials", "foraging_efficiency")
TRIALS = Measure("last", "finished_trials", 1)


@pytest.mark.parametrize(
    ("text", "column", "problem", "allowed"),
    [
        ("last(trials) > 1", 6, "unknown metric 'trials'", "finished_trials foraging_efficiency"),
        ("last(finished_trials) >= 1 and foo > 2", 32, "unknown name 'foo'", "session_total"),
        ("  finished_trials > 2", 3, "needs a statistic", "last(finished_trials)"),
        ("median(finished_trials, 3) > 2", 1, "unknown statistic 'median'", "last mean min max"),
        ("mean(finished_trials) > 2", 1, "'mean' with 1 argument(s)", "mean(metric, window)"),
        ("mean(finished_trials, 0) > 2", 23, "window '0'", "from 1 to 100"),
        ("mean(finished_trials, 2.5) > 2", 23, "window '2.5'", "a whole number of sessions"),
        ("last(finished_trials) > last(foraging_efficiency)", 25, "is no threshold", "a number"),
        ("200 <= last(finished_trials)", 1, "'200' is no measure", "last(finished_trials)"),
        ("100 < last(finished_trials) < 200", 31, "a second comparison in a row", "'and'"),
        ("last(finished_trials) in 5", 1, "unknown comparison", "< <= > >= == !="),
        ("last(finished_trials) > 1e999", 25, "is no threshold", "a number"),
        ("last(finished_trials) > True", 25, "is no threshold", "a number"),
        ("not last(finished_trials) > 1", 1, "is no comparison", "'and', 'or' and parentheses"),
        ("last(finished_trials)", 1, "is no comparison", "comparisons such as"),
        ("last(finished_trials) >", 24, "this is no condition", "comparisons such as"),
        ("last(finished_trials) > 1 # and", 27, "'#'", "comparisons such as"),
        ("", 1, "this is no condition", "comparisons such as"),
        ("__import__('os').system('x') > 0", 1, "is no measure", "last(finished_trials)"),
        ("last(finished_trials.__class__) > 0", 6, "unknown metric", "finished_trials"),
        ("(lambda: 1)() > 0", 1, "is no measure", "last(finished_trials)"),
        ("last(finished_trials) > (x := 1)", 26, "is no threshold", "a number"),
        ("маус > 1 or foo > 1", 1, "unknown name 'маус'", "session_total"),
        ("session_total > 1 or маус() > 1", 22, "unknown statistic 'маус'", "last mean min max"),
        ("session_total > 1 or session_total > маус", 38, "is no threshold", "a number"),
        ("(" * 3000, 2000, "too long", "2000 characters"),
        ("(" * 1000 + "x", 1, "this is no condition", "comparisons"),
    ],
)
def test_what_is_not_of_the_language_is_refused_with_its_column(
    text: str, column: int, problem: str, allowed: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text, METRICS)
    message = str(caught.value)
    if "(((" not in text:
        assert caught.value.column == column
    assert problem in message
    assert allowed in message.split("allowed here: ")[1]


def test_line_breaks_and_indentation_mean_nothing() -> None:
    assert parse("\n last(finished_trials) > 1\n   and session_total >= 2\n", METRICS) == parse(
        "last(finished_trials) > 1 and session_total >= 2", METRICS
    )


def test_and_binds_closer_than_or() -> None:
    condition = parse("session_total > 1 or session_total > 2 and session_total > 3", METRICS)
    assert condition.operator == "or"
    assert str(condition) == "session_total > 1 or (session_total > 2 and session_total > 3)"


def test_strict_bounds_are_the_neighbouring_doubles() -> None:
    [clause] = clauses(parse("last(finished_trials) > 1 and last(finished_trials) < 2", METRICS))
    assert clause == {TRIALS: Interval(1.0000000000000002, 1.9999999999999998)}


def test_unequal_is_two_clauses_and_a_contradiction_is_none() -> None:
    assert len(clauses(parse("last(finished_trials) != 5", METRICS))) == 2
    assert clauses(parse("last(finished_trials) > 5 and last(finished_trials) < 5", METRICS)) == []


def test_too_many_alternatives_are_refused() -> None:
    many = " and ".join(["(session_total > 1 or session_total < 9)"] * 9)
    with pytest.raises(ValueError, match="more than 256 alternatives"):
        clauses(parse(many, METRICS))
