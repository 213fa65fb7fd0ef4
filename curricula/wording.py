"""Conditions in words for people, and as the lambda text that readers of the rigs' JSON evaluate.

Both come from the rule itself, so they cannot contradict it.
"""

from collections.abc import Callable

from curricula.conditions import Combination, Comparison, Condition, Measure, number_text
from curricula.schema import Curriculum, Stage, TransitionRule
from curricula.statistics import STATISTICS
from curricula.tasks import Task

SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}


def in_words(condition: Condition) -> str:
    """E.g. ``finished trials ≥ 200 and foraging efficiency ≥ 0.6``."""
    if isinstance(condition, Comparison):
        if condition.operator in ("missing", "present"):
            return (
                f"{measure_in_words(condition.measure)} is {'missing' if condition.operator == 'missing' else 'there'}"
            )
        return f"{measure_in_words(condition.measure)} {SIGNS[condition.operator]} {number_text(condition.threshold)}"
    return _joined(condition, in_words)


def measure_in_words(measure: Measure) -> str:
    """E.g. ``mean foraging efficiency of the last 5 sessions``."""
    if measure.statistic == "session_total":
        return "sessions in total"
    if measure.statistic == "session_at_current_stage":
        return "sessions at this stage"
    metric = measure.metric.replace("_", " ")
    if measure.operator:
        metric = f"{metric} {SIGNS[measure.operator]} {number_text(measure.threshold)}"
    return STATISTICS[measure.statistic].words.format(metric=metric, window=measure.window)


def describe(rule: TransitionRule, task: Task) -> str:
    """A rule's condition in words, with its author's note."""
    words = in_words(rule.parsed(task))
    return f"{words} ({rule.note})" if rule.note else words


def describe_stage(curriculum: Curriculum, stage: Stage) -> str:
    """What a stage is for in its author's words; where there are none, what its rules say."""
    rules = (
        f"{rule.decision} to {curriculum.label(rule.to_stage)}: {describe(rule, curriculum.task_definition)}"
        for rule in stage.rules
    )
    return stage.description or "; ".join(rules) or "a mouse stays here"


def describe_curriculum(curriculum: Curriculum) -> str:
    """What a curriculum is for in its author's words; where there are none, its stages."""
    return curriculum.description or " → ".join(map(curriculum.label, curriculum.stages))


def as_lambda(condition: Condition) -> str:
    """E.g. ``lambda metrics: metrics.finished_trials[-1] >= 200``, of the same meaning as the condition."""
    return f"lambda metrics: {_expression(condition)}"


def _expression(condition: Condition) -> str:
    if isinstance(condition, Comparison):
        return f"{_measure_as_code(condition.measure)} {condition.operator} {number_text(condition.threshold)}"
    return _joined(condition, _expression)


def _measure_as_code(measure: Measure) -> str:
    if not measure.metric:
        return f"metrics.{measure.statistic}"
    code = STATISTICS[measure.statistic].code_of(measure.operator, number_text(measure.threshold))
    return code.format(metric=f"metrics.{measure.metric}", window=measure.window)


def _joined(condition: Combination, part_text: Callable[[Condition], str]) -> str:
    parts = (f"({part_text(part)})" if isinstance(part, Combination) else part_text(part) for part in condition.parts)
    return f" {condition.operator} ".join(parts)
