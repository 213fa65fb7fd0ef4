"""The condition language: what it takes, and what it says of the rest."""

import numpy as np
import pytest

from curricula.conditions import Combination, ConditionError, Interval, Measure, clauses, holds, parse

METRICS = ("finished_trials", "foraging_efficiency")
TRIALS = Measure("last", "finished_trials", 1)


@pytest.mark.parametrize(
    ("text", "column", "problem", "allowed"),
    [
        ("last(trials) > 1", 6, "unknown metric 'trials'", "finished_trials foraging_efficiency"),
        ("last(finished_trials) >= 1 and foo > 2", 32, "unknown name 'foo'", "session_total"),
        ("  finished_trials > 2", 3, "needs a statistic", "last(finished_trials)"),
        ("variance(finished_trials, 3) > 2", 1, "unknown statistic 'variance'", "last mean min max"),
        ("mean(finished_trials) > 2", 1, "'mean' with 1 argument(s)", "mean(metric, window)"),
        ("mean(finished_trials, 0) > 2", 23, "window '0'", "from 1 to 100"),
        ("mean(finished_trials, 101) > 2", 23, "window '101'", "from 1 to 100"),
        ("mean(finished_trials, True) > 2", 23, "window 'True'", "a whole number of sessions"),
        ("mean(finished_trials, 2, 3) > 2", 1, "'mean' with 3 argument(s)", "mean(metric, window)"),
        ("last(finished_trials, 2) > 2", 1, "'last' with 2 argument(s)", "last(metric)"),
        ("last(finished_trials, window=2) > 2", 1, "is not a measure", "last(finished_trials)"),
        ("session_total > --1", 17, "'--1' is not a threshold", "a number"),
        ("session_total > ~1", 17, "'~1' is not a threshold", "a number"),
        ("session_total > -1e999", 17, "is too large", "numbers up to"),
        ("mean(finished_trials, 2.5) > 2", 23, "window '2.5'", "a whole number of sessions"),
        ("last(finished_trials) > last(foraging_efficiency)", 25, "is not a threshold", "a number"),
        ("200 <= last(finished_trials)", 1, "'200' is not a measure", "last(finished_trials)"),
        ("100 < last(finished_trials) < 200", 31, "a second comparison in a row", "'and'"),
        ("last(finished_trials) in 5", 1, "unknown comparison", "< <= > >= == !="),
        ("last(finished_trials) > 1e999", 25, "is too large", "numbers up to"),
        ("last(finished_trials) > True", 25, "is not a threshold", "a number"),
        ("not last(finished_trials)", 5, "is not a comparison", "'and', 'or', 'not' and parentheses"),
        ("count(finished_trials, 3) > 2", 7, "is not a comparison", "count(metric >= number, window)"),
        ("count(200 < finished_trials, 3) > 2", 13, "is not a threshold", "a number"),
        ("count(finished_trials > foo, 3) > 2", 25, "is not a threshold", "a number"),
        ("count(1 < finished_trials < 2, 3) > 2", 29, "a second comparison in a row", "'and'"),
        ("mean(finished_trials > 2, 3) > 2", 6, "unknown metric 'finished_trials > 2'", "finished_trials"),
        ("missing(last(finished_trials))", 1, "is not a comparison", "comparisons such as"),
        ("last(finished_trials)", 1, "is not a comparison", "comparisons such as"),
        ("last(finished_trials) >", 24, "this is not a condition", "comparisons such as"),
        ("last(finished_trials) > 1 # and", 27, "'#'", "comparisons such as"),
        ("", 1, "this is not a condition", "comparisons such as"),
        ("__import__('os').system('x') > 0", 1, "is not a measure", "last(finished_trials)"),
        ("last(finished_trials.__class__) > 0", 6, "unknown metric", "finished_trials"),
        ("(lambda: 1)() > 0", 1, "is not a measure", "last(finished_trials)"),
        ("last(finished_trials) > (x := 1)", 26, "is not a threshold", "a number"),
        ("маус > 1 or foo > 1", 1, "unknown name 'маус'", "session_total"),
        ("session_total > 1 or маус() > 1", 22, "unknown statistic 'маус'", "last mean min max"),
        ("session_total > 1 or session_total > маус", 38, "is not a threshold", "a number"),
        ("-(session_total > 1)", 1, "is not a comparison", "comparisons such as"),
        ("mean(finished_trials, x) > 2", 23, "window 'x'", "a whole number of sessions"),
        ("session_total > '5'", 17, "is not a threshold", "a number"),
        ("  lambda metrics: 1", 3, "Python code is not read here", "`auto-train curricula import`"),
        ("  session_total > ) 1", 19, "this is not a condition", "comparisons such as"),
        ("session_total > 1 \ud800", 1, "this is not a condition", "comparisons such as"),
        ("session_total > " + "-" * 1900 + "1", 1, "the condition is nested too deep", "comparisons such as"),
        ("(" * 3000, 2000, "too long", "2000 characters"),
        ("(" * 1000 + "x", 1, "this is not a condition", "comparisons"),
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


def test_what_python_warns_of_is_not_said(recwarn: pytest.WarningsRecorder) -> None:
    text = "session_total > 1or session_total > 2"
    assert parse(text, METRICS) == parse(text.replace("or", " or"), METRICS)
    assert list(recwarn) == []


def test_parentheses_within_the_same_operator_mean_nothing() -> None:
    of = ("session_total > 1", "session_total > 2", "session_total > 3")
    assert parse(f"({of[0]} and {of[1]}) and {of[2]}", METRICS) == parse(" and ".join(of), METRICS)
    assert parse(f"{of[0]} or ({of[1]} or {of[2]})", METRICS) == parse(" or ".join(of), METRICS)


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


def test_a_value_that_two_bounds_meet_in_is_a_clause() -> None:
    [clause] = clauses(parse("last(finished_trials) >= 5 and last(finished_trials) <= 5", METRICS))
    assert clause == {TRIALS: Interval(5, 5)}
    # the same clause twice is one
    assert clauses(parse("last(finished_trials) == 5 or last(finished_trials) == 5", METRICS)) == [clause]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("not last(finished_trials) >= 200", "last(finished_trials) < 200"),
        ("not (last(finished_trials) == 2 and session_total > 3)", "last(finished_trials) != 2 or session_total <= 3"),
        ("not (session_total < 2 or not session_total != 5)", "session_total >= 2 and session_total != 5"),
    ],
)
def test_not_turns_the_comparisons_around(text: str, meaning: str) -> None:
    assert parse(text, METRICS) == parse(meaning, METRICS)


def test_neither_a_comparison_with_a_missing_value_holds_nor_its_negation() -> None:
    values = np.array([np.nan, 1.0, 3.0])
    last = parse("last(finished_trials) > 2", METRICS), parse("not last(finished_trials) > 2", METRICS)
    found = [holds(condition, lambda _: values) for condition in last]
    assert [of.tolist() for of in found] == [[False, False, True], [False, True, False]]


def test_a_count_is_a_measure_of_its_own_for_each_comparison() -> None:
    texts = [f"count(finished_trials {compared}, 3)" for compared in (">= 200", ">= 200.5", "< -1e-7")]
    measures = [parse(f"{text} == 2", METRICS).measure for text in texts]
    assert [measure.name for measure in measures] == [
        "finished_trials__count_ge_200_3", "finished_trials__count_ge_200p5_3", "finished_trials__count_lt_m1em07_3"
    ]  # fmt: skip
    assert [str(measure) for measure in measures] == [texts[0], texts[1], "count(finished_trials < -1e-07, 3)"]


def test_thresholds_may_have_a_sign() -> None:
    assert [parse(f"session_total > {text}", METRICS).threshold for text in ("-0.5", "+2", "1e3")] == [-0.5, 2, 1000]


def test_windows_from_1_to_100_and_texts_up_to_2000_characters_are_taken() -> None:
    assert [parse(f"mean(finished_trials, {n}) > 2", METRICS).measure.window for n in (1, 100)] == [1, 100]
    text = "session_total > 1"
    assert parse(text.ljust(2000), METRICS) == parse(text, METRICS)
    with pytest.raises(ConditionError, match="the condition is too long"):
        parse(text.ljust(2001), METRICS)


@pytest.mark.parametrize(("join", "of_two"), [(" and ", 8), (" or ", 128)])
def test_up_to_256_alternatives_are_taken(join: str, of_two: int) -> None:
    def condition(parts: int) -> Combination:
        either = Combination("or", tuple(parse(f"session_total {of} 5", METRICS) for of in (">", "<")))
        return Combination(join.strip(), (either,) * parts)

    clauses(condition(of_two))
    with pytest.raises(ValueError, match="more than 256 alternatives"):
        clauses(condition(of_two + 1))
