"""Hold what people are told against what is true: pure functions, which know neither dbt nor a lake."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from auto_train.decisions.vocabulary import Attention
from auto_train.lab.reference import State
from auto_train.lab.truth import ATTENTION, RIGS, Truth
from auto_train.lab.world import World

KNOWN_REASONS = set(map(str, Attention))
TOLD = ("stage_told", "run_id", "stage_ran", "followed")
# decisions of mice of rules that are newer than the others are counted apart, by their story
APART = {
    "restarts": "counter restarted",
    "restarts_and_continues": "numbers continue",
    "leaves": "left",
    "enrolled": "enrolled",
    "corrected_and_decided_anew": "decided anew",
}
Facts = Mapping[Any, Any]
"""What is said, or is true, by what it is about."""


class Sentence(NamedTuple):
    """A decision, and the sentence that explains it."""

    subject_id: str
    session: int
    decision: str
    current_stage_actual: str
    next_stage_suggested: str
    matched_rule: int | None
    directive_kind: str | None
    sentence: str | None


class Seen(NamedTuple):
    """What a night tells people; None where there is no such mart.

    Attributes:
        sentences: of every decision.
        attention: (mouse or rig, reason).
        told: rows of `marts.told` by subject, session and day.
    """

    sentences: list[Sentence]
    attention: set[tuple[str, str]]
    told: dict[Any, dict[str, Any]] | None


@dataclass
class Score:
    """Of one kind: how much was told, how much is true, how much was both, and what was wrong."""

    told: int = 0
    true: int = 0
    right: int = 0
    wrong: int = 0
    is_told: bool = False

    def __str__(self) -> str:
        precision = f"{self.right / self.told:.3f}" if self.told else "" if self.is_told else "not told"
        recall = f"{self.right / self.true:.3f}" if self.true else ""
        return f"{self.told:>8,} {self.true:>8,} {self.wrong:>8,} {precision:>10} {recall:>8}"


@dataclass
class Judge:
    """Counts over all nights.

    Attributes:
        scores: by kind.
        wrong: of what is told at all, every fact that is wrong or missing: day, kind, of what, told, true.
    """

    scores: dict[str, Score] = field(default_factory=dict)
    wrong: list[tuple[date, str, str, str, str]] = field(default_factory=list)

    def compare(self, day: date, kind: str, told: Facts | None, true: Facts) -> None:
        """Count what is told of a kind against what is true; None: nothing tells it."""
        score = self.scores.setdefault(kind, Score())
        score.is_told = score.is_told or told is not None
        told = told or {}
        right = {of for of in true if of in told and told[of] == true[of]}
        wrong = (told.keys() | true.keys()) - right
        score.told += len(told)
        score.true += len(true)
        score.right += len(right)
        score.wrong += len(wrong)
        for of in sorted(wrong, key=str) if score.is_told else ():
            self.wrong.append((day, kind, str(of), str(told.get(of)), str(true.get(of))))

    def decisions(self, day: date, world: World, published: Mapping[str, dict[int, str]], true: State) -> None:
        """The next stage of every session of every mouse, as the rigs read it on a morning."""
        kinds = {subject: APART.get(mouse.story) for subject, mouse in world.by_subject.items()}
        expected = {
            subject: {number: of.next_stage for number, of in decisions.items()}
            for subject, decisions in true.items()
            if decisions
        }
        for apart in (None, *APART.values()):
            self.compare(
                day,
                f"decisions: {apart}" if apart else "decisions",
                {subject: of for subject, of in published.items() if kinds[subject] == apart},
                {subject: of for subject, of in expected.items() if kinds[subject] == apart},
            )

    def words(self, day: date, seen: Seen, truth: Truth, told: dict[Any, dict[str, Any]]) -> None:
        """What a night tells in words, and of the past."""
        for name in (*TOLD, "trainer_chose"):
            self.compare(
                day,
                "trainer_chose" if name == "trainer_chose" else f"told: {name}",
                # nobody asks whether a rig followed where nothing was told, or not known what ran
                None if seen.told is None else _of_told(seen.told, name, told),
                _of_told(told, name, told),
            )
        sentences = {of[:2]: contradiction(of) for of in seen.sentences}
        self.compare(day, "sentences", sentences, dict.fromkeys(sentences))
        self.attention(day, seen.attention, truth)

    def attention(self, day: date, seen: set[tuple[str, str]], truth: Truth) -> None:
        """Who is listed, reason by reason; a reason that nobody planned is wrong."""
        for reason in (*ATTENTION, *RIGS):
            listed = {who: True for who, why in seen if why == reason and who not in truth.gone}
            self.compare(
                day,
                f"attention: {reason}",
                listed if reason in KNOWN_REASONS else None,
                {who: True for who, why in truth.attention if why == reason},
            )
        others = {(who, why): True for who, why in seen if why not in {*ATTENTION, *RIGS} and who not in truth.gone}
        self.compare(day, "attention: other reasons", others, {})
        self.compare(day, "attention: mice that are gone", {of: True for of in seen if of[0] in truth.gone}, {})

    @property
    def wrong_kinds(self) -> set[str]:
        return {kind for kind, score in self.scores.items() if score.wrong}

    def table(self) -> str:
        """A line per kind, with what is true of it where that needs words."""
        reasons = {**ATTENTION, **RIGS}
        width = max(map(len, self.scores), default=4)
        lines = [f"{'kind':<{width}} {'told':>8} {'true':>8} {'wrong':>8} {'precision':>10} {'recall':>8}"]
        for kind, score in sorted(self.scores.items(), key=lambda of: of[0].startswith("attention")):
            reason = reasons.get(kind.removeprefix("attention: "))
            lines.append(f"{kind:<{width}} {score}  {(reason and reason.__doc__) or ''}".rstrip())
        return "\n".join(lines)


def _of_told(rows: dict[Any, dict[str, Any]], name: str, true: dict[Any, dict[str, Any]]) -> Facts:
    """One column, of the sessions that are decided; where a truth can be missing, what is missing is not counted."""
    values = {of: row[name] for of, row in rows.items() if of in true}
    if name == "followed":
        return {of: value for of, value in values.items() if true[of]["followed"] is not None}
    if name == "trainer_chose":
        return {of: True for of, value in values.items() if value}
    return values


NUMBER = r"-?\d[\d.e+-]*"
COMPARED = re.compile(rf"(?<!\S)({NUMBER}|missing) (not )?(≥|≤|<|>|=|≠) ({NUMBER})")
SIGNS = {
    "≥": float.__ge__, "≤": float.__le__, "<": float.__lt__, ">": float.__gt__, "=": float.__eq__, "≠": float.__ne__,
}  # fmt: skip


def contradiction(of: Sentence) -> str | None:
    """Where a sentence says what its decision is not; None where it does not."""
    sentence = of.sentence or ""
    where = "at" if of.decision == "STAY" else "to"
    if not sentence.startswith(f"{of.decision} {where} {of.next_stage_suggested}: "):
        return "another decision"
    is_by_rule = of.matched_rule is not None
    is_overruled = of.directive_kind not in (None, "enrol") or of.current_stage_actual == "GRADUATED"
    if is_by_rule and "no rule holds" in sentence:
        return "a rule decided"
    if not is_by_rule and not is_overruled and of.session and "no rule holds" not in sentence:
        return "no rule decided"
    for value, negation, sign, threshold in COMPARED.findall(sentence):
        # what is written with few digits may be a little more or less
        if value == threshold:
            continue
        holds = value != "missing" and SIGNS[sign](float(value), float(threshold))
        if holds == bool(negation):
            return f"{value} {negation}{sign} {threshold}"
    return None
