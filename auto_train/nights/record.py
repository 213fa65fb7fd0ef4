"""What a night says of itself: the record that machines read, and the words for people, which are made from it."""

import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from auto_train.decisions.vocabulary import SetAside
from auto_train.lake import ROOT, Settings, counted, named, printable, shown
from auto_train.publishing import analysis_copy
from auto_train.publishing.manifest import File

NAME = "summary.json"
DETAILS = 10


class Outcome(StrEnum):
    """What became of a night; its exit code says whether a night that published left something behind."""

    PUBLISHED = "published"
    REFUSED = "refused"
    COULD_NOT_RUN = "could_not_run"


EXIT_CODES = {Outcome.PUBLISHED: 0, Outcome.REFUSED: 1, Outcome.COULD_NOT_RUN: 2}
BEHIND = 3
CODES_IN_WORDS = {
    0: "published",
    1: "refused by a test, nothing was published",
    2: "could not run",
    BEHIND: "published, and something beside it is behind",
}
# of several nights, the code of the one that most needs somebody
GRAVEST_FIRST = (2, 1, BEHIND, 0)


@dataclass(frozen=True)
class Finding:
    """A test that failed or warned, or a model that broke.

    Attributes:
        name: of the test or model.
        is_warning: whether the night went on.
        says: what is wrong.
        mice: for which mice, all of them.
        what_to_do: what helps.
        details: what the test found, each once.
        gate: the name by which it can be let through; empty where it cannot.
        limit: from when on it stops a night; empty where any finding does.
        found: how many rows it found.
        counted: of a gate with a limit, of how many.
    """

    name: str
    is_warning: bool
    says: str
    mice: list[str]
    what_to_do: str
    details: tuple[str, ...] = ()
    gate: str = ""
    limit: str = ""
    found: int | None = None
    counted: int | None = None

    def in_words(self, manager: str) -> str:
        """It and what to do about it, in lines."""
        lines = [f"{'warning' if self.is_warning else 'FAILED'}: {self.says} ({self.gate or self.name})"]
        if self.found and self.counted:
            stops = f"; a night stops {self.limit}" if self.limit else ""
            lines += [f"    {self.found:,} of {self.counted:,} ({100 * self.found / self.counted:.3g} %){stops}"]
        lines += [f"    {detail}" for detail in self.details[:DETAILS]]
        lines += [f"    and {len(self.details) - DETAILS} more"] if len(self.details) > DETAILS else []
        lines += [f"    mice: {named(self.mice)}"] if self.mice else []
        lines += [f"    do: {self.what_to_do}"] if self.what_to_do else []
        if self.gate and not self.is_warning:
            command = f"auto-train nightly --manager {manager} --let-through {self.gate} --who … --why …"
            lines += [f"    or let it through this once: {command}"]
        return "\n".join(lines)


class InForce(BaseModel):
    """A directive that is in force on the training day, in words."""

    subject_id: str
    words: str


class LastPublication(BaseModel):
    """What was published when the night began: rigs run on it until something newer is."""

    run: str
    started_at: AwareDatetime


class Night(BaseModel):
    """The record of a night, ``target/<manager>/summary.json``; fields may be added, none changes its meaning.

    Attributes:
        manager: whose night it was.
        outcome: whether something was published, a test refused it, or it could not run.
        exit_code: that of the command; 3 where all is published and something is behind.
        started_at: when it began.
        seconds: how long it took, by part.
        lake: where it publishes.
        run: the run; missing where it did not come so far.
        last_publication: what was published when it began; missing before the first.
        read: what tells all that it read from what other nights read.
        training_day: the day that was decided for.
        lab_time_zone: the zone of that day.
        counts: sessions, sessions set aside by reason, and next sessions by decision.
        next_session: the mice by decision.
        directives: those in force.
        drifted: mice whose stage tomorrow would be another, because data changed since, with that stage.
        said: of a publication that is not a usual night, what it is and what it changed.
        findings: gates and other tests that failed or warned.
        warnings: what else is odd.
        problem: what dbt, or the lake, said of why it went wrong.
        behind: what is published but not everywhere where it should be, or not told.
        files: what is published, with checksums, paths below the lake.
        page: where the morning page is published; missing where none is.
        notes: for people: where to go on.
    """

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    manager: str
    outcome: Outcome
    exit_code: int = 0
    started_at: AwareDatetime
    seconds: dict[str, float] = {}
    lake: str = ""
    run: str | None = None
    last_publication: LastPublication | None = None
    read: dict[str, str] = {}
    training_day: date | None = None
    lab_time_zone: str | None = None
    counts: dict[str, dict[str, int]] = {}
    next_session: dict[str, list[str]] = {}
    directives: list[InForce] = []
    drifted: list[str] = []
    said: list[str] = []
    findings: list[Finding] = []
    warnings: list[str] = []
    problem: str = ""
    behind: list[str] = []
    files: list[File] = []
    page: str | None = None
    notes: list[str] = []

    def finished(self, *behind: str) -> "Night":
        """The record with what is behind, and the exit code that follows."""
        all_behind = [*self.behind, *behind]
        code = BEHIND if all_behind and self.outcome is Outcome.PUBLISHED else EXIT_CODES[self.outcome]
        return self.model_copy(update={"behind": all_behind, "exit_code": code})

    def file(self, path: str) -> File | None:
        """The published file at a path below the lake."""
        return next((file for file in self.files if file.path == path), None)

    def save(self, path: Path) -> None:
        """Write it for machines."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self.model_dump_json(indent=2)}\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Night | None":
        """The night that is recorded there; None where none is, or one of another version."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def says_the_same_as(self, other: "Night | None") -> bool:
        """Whether this one published nothing for the reasons of the other, and all were told of that."""
        if other is None or self.outcome is Outcome.PUBLISHED or other.behind:
            return False
        return (self.outcome, self.problem, self.findings) == (other.outcome, other.problem, other.findings)

    @classmethod
    def schema_text(cls) -> str:
        """The JSON schema of the record."""
        return json.dumps(cls.model_json_schema(mode="serialization"), indent=2)


def record_path(settings: Settings, target: Path | None = None) -> Path:
    """Where the record of a manager's last night is: below the target folder, by default the project's."""
    return (target or ROOT / "target") / settings.manager / NAME


def decisions_in_words(newest: dict[str, int]) -> str:
    """How many mice have each decision."""
    return ", ".join(f"{newest.get(decision, 0):,} {decision}" for decision in ("STAY", "PROGRESS", "ROLLBACK"))


def aside_in_words(counts: dict[str, int]) -> list[str]:
    """How many sessions are set aside, by reason, most first."""
    words = {reason.value: reason.words for reason in SetAside}
    most_first = sorted(counts.items(), key=lambda of: (-of[1], of[0]))
    return [f"    {n:>8,} set aside: {words[reason]} ({reason})" for reason, n in most_first if reason in words]


def in_words(night: Night, settings: Settings) -> str:
    """The record for people."""
    told = [
        *(finding.in_words(night.manager) for finding in night.findings),
        *(f"warning: {warning}" for warning in night.warnings),
    ]
    if night.outcome is Outcome.PUBLISHED:
        behind = ["df_manager was published, but:", *(f"    {what}" for what in night.behind)] if night.behind else []
        decided = decided_in_words(night, settings) if "sessions" in night.counts else []
        return "\n".join([*map(printable, night.said), *decided, *told, *night.notes, *behind])
    lines = [night.problem] if night.problem else []
    lines += ["nothing was published; the last df_manager is untouched"]
    return "\n".join([*lines, *aside_in_words(night.counts.get("set_aside", {})), *night.notes, *told, *night.behind])


def decided_in_words(night: Night, settings: Settings) -> list[str]:
    """What was read, decided, set aside and published."""
    sessions, newest = night.counts["sessions"], night.counts.get("next_session", {})
    aside = night.counts.get("set_aside", {})
    path = settings.published("df_manager")
    lines = [
        f"{counted(sessions['read'], 'session')} read: {sessions['decided_now']:,} decided now, "
        f"{sessions['decided_before']:,} decided before, "
        f"{sum(aside.values()):,} set aside, {sessions['off_curriculum']:,} off curriculum",
        *aside_in_words(aside),
        f"{counted(sum(newest.values()), 'mouse', 'mice')} for the next session, on {night.training_day} "
        f"({night.lab_time_zone}): " + decisions_in_words(newest),
        *(f"    {printable(one.subject_id)}: {printable(one.words)}" for one in night.directives),
    ]
    if sessions["by_default"]:
        lines.append(
            f"{counted(sessions['by_default'], 'session')} under the default curriculum, because df_behavior names none"
        )
    if sessions["drifted"]:
        lines.append(
            f"{counted(sessions['drifted'], 'decided session')} changed in df_behavior since (marts.decision_drift); "
            f"mice whose stage tomorrow would be another: {', '.join(map(printable, night.drifted)) or 'none'}"
        )
    if file := night.file(path):
        lines.append(f"df_manager is at {night.lake}/{path} ({file.size:,} bytes)")
    lines.append(
        "next: `.venv/bin/dbt docs generate && .venv/bin/dbt docs serve` to explore, "
        f"or open {shown(str(analysis_copy.place(settings.database)))} with DuckDB; "
        "what was set aside is in marts.quarantine"
    )
    return lines
