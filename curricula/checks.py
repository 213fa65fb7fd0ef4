"""What a schema cannot see: stages nobody reaches, rules that never fire or always do, thresholds out of range.

Reasoning is exact over the intervals of the rules' clauses, not sampled. Measures are taken as independent of each
other, so whatever is said to be impossible is; a measure may be missing, which only rules that do not look at it cover.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from curricula.conditions import Clause, Comparison, Interval, Measure, comparisons
from curricula.expressions import rounded, value_range
from curricula.schema import Curriculum, Decision, Stage, TransitionRule
from curricula.statistics import STATISTICS
from curricula.tasks import Task
from curricula.tasks.base import NumberField, number_fields


class Severity(StrEnum):
    """An error keeps a curriculum from being compiled; a warning is for its author to judge."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Check:
    """A kind of finding.

    Attributes:
        severity: see `Severity`.
        reason: why it matters, for the docs.
        advice: what to do.
    """

    severity: Severity
    reason: str
    advice: str


CHECKS = {
    "unreached-stage": Check(
        Severity.WARNING,
        "No path of rules leads from the first stage to it, so no mouse runs it unless a trainer sends it there.",
        "lead a rule to it, or leave the stage out",
    ),
    "no-graduation": Check(
        Severity.WARNING,
        "From the stage no path of rules leads to an end, such as GRADUATED, so a mouse trains forever.",
        "lead a path of rules to an end",
    ),
    "stage-without-rules": Check(
        Severity.ERROR,
        "Sessions at the stage cannot be decided; each one is quarantined.",
        "give it a rule, or leave the stage out",
    ),
    "stage-without-parameters": Check(
        Severity.WARNING,
        "Rules lead to GRADUATED, but a rig finds no parameters for it and cannot run a graduated mouse.",
        "add GRADUATED with parameters_from the last stage",
    ),
    "never-holds": Check(
        Severity.ERROR,
        "No session can meet the condition: its comparisons exclude each other.",
        "fix or remove the rule",
    ),
    "never-fires": Check(
        Severity.WARNING,
        "Wherever the rule holds, a rule before it holds too, and the first one decides.",
        "move it up, or remove it",
    ),
    "always-holds": Check(
        Severity.WARNING,
        "The rule holds for every session, so a mouse can never stay at the stage and rules after it never fire.",
        "intended for a stage of one session; otherwise ask for more",
    ),
    "progress-meets-rollback": Check(
        Severity.WARNING,
        "A session can meet a PROGRESS and a ROLLBACK of one stage; then only their order decides.",
        "make them exclude each other, or be sure of the order",
    ),
    "wrong-way": Check(
        Severity.ERROR,
        "PROGRESS leads to an earlier stage, or ROLLBACK to a later one; statistics would show the opposite.",
        "change the decision or to_stage",
    ),
    "threshold-out-of-range": Check(
        Severity.WARNING, "The threshold lies outside the values that the metric usually takes.", "check its unit"
    ),
    "policy-out-of-range": Check(
        Severity.ERROR,
        "The policy can give a value that the parameter cannot take; it would reach a rig.",
        "put clamp(…, low, high) around it",
    ),
    "policy-trusts-metrics": Check(
        Severity.WARNING,
        "Where a metric is beyond the limits that its task states, the policy gives what the parameter cannot take.",
        "put clamp(…, low, high) around it",
    ),
    "policy-always-missing": Check(
        Severity.ERROR, "The policy never gives a value, so the stage's own always holds.", "fix or remove the policy"
    ),
    "policy-constant": Check(
        Severity.WARNING,
        "The policy gives the same value whatever the mouse does.",
        "write the value in parameters, or look at a measure",
    ),
    "window-not-filled": Check(
        Severity.WARNING,
        "The rule can be tried before the mouse has run as many sessions as its window has; it then takes fewer.",
        "add a comparison of session_total, or be content with fewer",
    ),
}


@dataclass(frozen=True)
class Finding:
    """Something about a curriculum that its author should know.

    Attributes:
        check: its kind, a key of `CHECKS`.
        stage: name of the stage.
        rule: number of the rule in its stage from 1, 0 for the whole stage.
        problem: what is wrong.
    """

    check: str
    stage: str
    rule: int
    problem: str

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CHECKS[self.check].severity

    def __str__(self) -> str:
        place = f"{self.stage}, rule {self.rule}" if self.rule else str(self.stage)
        return f"{self.severity}: {place}: {self.problem}; {CHECKS[self.check].advice} [{self.check}]"


def check(curriculum: Curriculum) -> list[Finding]:
    """All findings of a curriculum, in order of its stages and rules."""
    found = [*_stages(curriculum)]
    for name, stage in curriculum.stages.items():
        if not curriculum.is_end(name):
            found += _rules(curriculum, name, stage)
        found += _policies(curriculum, name, stage)
    return sorted(found, key=lambda finding: (curriculum.position(finding.stage), finding.rule))


# --- stages and the paths between them -------------------------------------------------------------------------------


def _leads_to(curriculum: Curriculum) -> dict[str, set[str]]:
    """The stages that the rules of each stage lead to; at an end a mouse stays."""
    return {
        name: {rule.to_stage for rule in stage.rules} if not curriculum.is_end(name) else set()
        for name, stage in curriculum.stages.items()
    }


def _steps(leads_to: Mapping[str, set[str]], start: str) -> dict[str, int]:
    """The fewest transitions from a stage to each stage that can be reached from it."""
    steps = {start: 0}
    queue = deque([start])
    while queue:
        stage = queue.popleft()
        for after in leads_to.get(stage, set()):
            if after not in steps:
                steps[after] = steps[stage] + 1
                queue.append(after)
    return steps


def _stages(curriculum: Curriculum) -> Iterator[Finding]:
    leads_to = _leads_to(curriculum)
    end = curriculum.task_definition.end
    reached = _steps(leads_to, curriculum.first_stage)
    for name, stage in curriculum.stages.items():
        if name == end:
            continue
        if name not in reached:
            yield Finding("unreached-stage", name, 0, "no path of rules leads to it")
        if curriculum.is_end(name):
            continue
        if not stage.rules:
            yield Finding("stage-without-rules", name, 0, "has no rules")
        elif not any(map(curriculum.is_end, _steps(leads_to, name))):
            yield Finding("no-graduation", name, 0, "graduation cannot be reached from it")
    if end in reached and end not in curriculum.stages:
        yield Finding("stage-without-parameters", end, 0, "rules lead to it but it has no parameters")


# --- rules of one stage ----------------------------------------------------------------------------------------------


def _rules(curriculum: Curriculum, name: str, stage: Stage) -> Iterator[Finding]:
    task = curriculum.task_definition
    domain = _Domain(task)
    first_session = 1 + _steps(_leads_to(curriculum), curriculum.first_stage).get(name, 0)
    earlier: list[Clause] = []
    opposed: list[tuple[int, Decision, list[Clause]]] = []
    for number, rule in enumerate(stage.rules, 1):
        region = [of for of in domain.possible(rule.clauses(task)) if not _excludes_itself(of)]
        yield from _direction(curriculum, name, number, rule)
        yield from _thresholds(task, name, number, rule)
        yield from _windows(name, number, region, first_session)
        if not region:
            yield Finding("never-holds", name, number, f"'{rule.condition}' can never hold")
        elif domain.covers(earlier, region):
            yield Finding("never-fires", name, number, "the rules before it hold wherever it does")
        elif domain.covers(region, [{}]):
            yield Finding("always-holds", name, number, "always holds")
        else:
            for before, decision, its_region in opposed:
                if {decision, rule.decision} == {Decision.PROGRESS, Decision.ROLLBACK} and _meet(its_region, region):
                    problem = f"it and the {decision} of rule {before} can hold together, and rule {before} wins"
                    yield Finding("progress-meets-rollback", name, number, problem)
        opposed.append((number, rule.decision, region))
        earlier += region


def _direction(curriculum: Curriculum, name: str, number: int, rule: TransitionRule) -> Iterator[Finding]:
    forward = curriculum.position(rule.to_stage) > curriculum.position(name)
    # a way out of training, such as "untrainable", may stand anywhere
    leaves = curriculum.is_end(rule.to_stage) and rule.to_stage != curriculum.graduation
    if rule.decision is not Decision.STAY and forward != (rule.decision is Decision.PROGRESS) and not leaves:
        yield Finding("wrong-way", name, number, f"{rule.decision} leads to {rule.to_stage}")


def _thresholds(task: Task, name: str, number: int, rule: TransitionRule) -> Iterator[Finding]:
    plausible = {metric.name: metric.plausible for metric in task.metrics}
    for comparison in comparisons(rule.parsed(task)):
        measure, threshold = comparison.measure, comparison.threshold
        low, high = plausible.get(measure.metric, (0.0, math.inf))
        if measure.operator and not low <= measure.threshold <= high:
            problem = f"'{measure}' asks for a value outside {low:g} to {high:g}"
            yield Finding("threshold-out-of-range", name, number, problem)
        if measure.metric:
            low, high = STATISTICS[measure.statistic].domain(low, high, measure.window)
        if not low <= threshold <= high:
            problem = f"'{comparison}' asks for a value outside {low:g} to {high:g}"
            yield Finding("threshold-out-of-range", name, number, problem)


def _windows(name: str, number: int, region: list[Clause], first_session: int) -> Iterator[Finding]:
    for clause in region:
        sessions = max([first_session, *(bounds.lower for of, bounds in clause.items() if of.is_whole)])
        for measure in clause:
            if measure.window > sessions:
                problem = f"{measure} can be asked for at session {sessions:g}"
                yield Finding("window-not-filled", name, number, problem)


def _policies(curriculum: Curriculum, name: str, stage: Stage) -> Iterator[Finding]:
    domain = _Domain(curriculum.task_definition)
    fields = number_fields(type(stage.parameters))
    for parameter, policy in stage.parsed_policies(curriculum.task_definition).items():
        found, field = value_range(policy, domain.of), fields[parameter]
        if found.interval is None:
            yield Finding("policy-always-missing", name, 0, f"the policy of {parameter} is always missing")
            continue
        lower, upper = _ends(field, found.interval)
        if not (field.takes(lower) and field.takes(upper)):
            problem = f"the policy of {parameter} can give {lower:g} to {upper:g}, it takes {field}"
            yield Finding("policy-out-of-range", name, 0, problem)
        elif not _takes_whatever_metrics_are(field, value_range(policy, domain.of_any_values).interval):
            problem = f"the policy of {parameter} gives what it takes, {field}, while metrics keep their limits only"
            yield Finding("policy-trusts-metrics", name, 0, problem)
        if lower == upper:
            yield Finding("policy-constant", name, 0, f"the policy of {parameter} always gives {lower:g}")


def _ends(field: NumberField, interval: Interval) -> tuple[float, float]:
    ends = interval.lower, interval.upper
    lower, upper = (rounded(end) if field.is_whole and math.isfinite(end) else end for end in ends)
    return lower, upper


def _takes_whatever_metrics_are(field: NumberField, interval: Interval | None) -> bool:
    return interval is None or all(map(field.takes, _ends(field, interval)))


# --- exact reasoning over clauses ------------------------------------------------------------------------------------


class _Domain:
    """What values the measures of a task can take."""

    def __init__(self, task: Task) -> None:
        self.bounds = {
            metric.name: Interval(
                -math.inf if metric.lowest is None else metric.lowest,
                math.inf if metric.highest is None else metric.highest,
            )
            for metric in task.metrics
        }

    def of(self, measure: Measure) -> Interval:
        """The values a measure can take: session_at_current_stage counts from 1, session_total from 0."""
        if measure.metric:
            low, high = self.bounds[measure.metric].lower, self.bounds[measure.metric].upper
            return Interval(*STATISTICS[measure.statistic].domain(low, high, measure.window))
        return Interval(1.0 if measure.statistic == "session_at_current_stage" else 0.0)

    def of_any_values(self, measure: Measure) -> Interval:
        """The same, of metrics that do not keep to their limits."""
        return Interval() if measure.may_be_missing else self.of(measure)

    def possible(self, clauses: Iterable[Clause]) -> list[Clause]:
        """The clauses within the domain, whole numbers for counters; those that can never hold are left out."""
        found: list[Clause] = []
        for clause in clauses:
            inside = {
                measure: _whole(bounds & self.of(measure)) if measure.is_whole else bounds & self.of(measure)
                for measure, bounds in clause.items()
            }
            if not any(bounds.empty for bounds in inside.values()):
                found.append(inside)
        return found

    def covers(self, cover: list[Clause], region: list[Clause]) -> bool:
        """Whether each point of the region lies in a clause of the cover."""
        return all(self._covered(clause, cover) for clause in region)

    def _covered(self, clause: Clause, cover: list[Clause]) -> bool:
        """Cut the clause along the first clause of the cover that it meets; what sticks out the others must cover."""
        for place, other in enumerate(cover):
            if not _meet([clause], [other]):
                continue
            rest = cover[place + 1 :]
            piece = dict(clause)
            for measure, bounds in other.items():
                if measure not in piece:
                    # a metric may be missing, and then a clause that looks at it does not hold
                    if measure.may_be_missing and not self._covered(piece, [c for c in rest if measure not in c]):
                        return False
                    piece[measure] = self.of(measure)
                for outside in _outside(piece[measure], bounds, whole=measure.is_whole):
                    if not self._covered(piece | {measure: outside}, rest):
                        return False
                piece[measure] = piece[measure] & bounds
            return True
        return False


def _excludes_itself(clause: Clause) -> bool:
    return any(bounds.empty for bounds in _with_the_newest(clause).values())


def _with_the_newest(clause: Clause) -> Clause:
    """The clause, with what it says of the newest session where all sessions of a window have to be so."""
    found = dict(clause)
    for measure, bounds in clause.items():
        if measure.operator and bounds.lower >= measure.window:
            newest = Comparison(Measure("last", measure.metric, 1), measure.operator, measure.threshold)
            # two intervals are two clauses, which nobody has needed
            if len(intervals := newest.intervals()) == 1:
                found[newest.measure] = found.get(newest.measure, Interval()) & intervals[0]
    return found


def _whole(bounds: Interval) -> Interval:
    lower = bounds.lower if math.isinf(bounds.lower) else float(math.ceil(bounds.lower))
    upper = bounds.upper if math.isinf(bounds.upper) else float(math.floor(bounds.upper))
    return Interval(lower, upper)


def _outside(bounds: Interval, of: Interval, *, whole: bool) -> list[Interval]:
    """The parts of an interval below and above another one."""
    below = Interval(bounds.lower, of.lower - 1 if whole else math.nextafter(of.lower, -math.inf))
    above = Interval(of.upper + 1 if whole else math.nextafter(of.upper, math.inf), bounds.upper)
    return [part for part, limit in ((below, of.lower), (above, of.upper)) if not math.isinf(limit) and not part.empty]


def _meet(one: list[Clause], other: list[Clause]) -> bool:
    """Whether a point can lie in both."""
    return any(
        not any((bounds & b[measure]).empty for measure, bounds in a.items() if measure in b)
        for a in map(_with_the_newest, one)
        for b in map(_with_the_newest, other)
    )
