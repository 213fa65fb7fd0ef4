"""A lab that does not exist, day by day: mice learn, rigs run what is published, people and computers err.

What is true stands beside the data: `Row` has what really happened, `World.happened` every event. The world knows
nothing of how decisions are made; it is told each morning which stage is published for which mouse.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from auto_train.decisions.directives import COLUMNS
from auto_train.simulation.mice import CURRICULA, STAGES, performance
from curricula.library import folder_name, load_library
from curricula.schema import Curriculum

Key = tuple[str, str, str]
# it has no parameters for a graduated mouse
WITHOUT_GRADUATED = ("Coupled Baiting", "0.2", "0.3")
UNKNOWN_VERSION = "9.9"
FIRST_NIGHT = date(2026, 1, 5)
DAY = timedelta(days=1)

STORIES = (
    "restarts", "restarts_and_continues", "leaves", "leaves_unsaid", "held", "pinned", "bad_line", "open_loop",
    "enrolled", "corrected", "corrected_and_decided_anew", "deleted", "wrong_mouse", "never_arrives", "comes_late",
    "mistake", "chosen_often", "absent", "unknown_version", "comes_twice", "graduated_by_hand", "slow", "bounces",
    "long_gone",
)  # fmt: skip
"""What happens to a mouse, one each; the other mice are ordinary, and now and then something happens to them too."""

OF_THE_LAB = ("sensor_broken", "night_missed", "night_refused", "rolled_back", "trainer_off")
# for how many days; in open loop a corrected value changes what would have run, and so what is told tomorrow
IN_OPEN_LOOP = {"open_loop": 3, "corrected": 8, "corrected_and_decided_anew": 8}
# mice to which nothing else may happen: what their numbers are must be plain
NUMBERED_PLAINLY = ("restarts", "restarts_and_continues")


class Event(NamedTuple):
    """Something that happened; `who` is a mouse, a rig or a trainer, or empty."""

    day: date
    what: str
    who: str = ""


@dataclass(eq=False)
class Row:
    """A session as df_behavior has it tonight, and what is true of it.

    Attributes:
        subject_id, session, day, curriculum, stage, flag, finished_trials, foraging_efficiency, trainer, rig: what the
            table says; `flag` is what the rig says of its trainer.
        animal: the mouse that really ran.
        ran: the stage that really ran.
        chose: whether a trainer chose it in place of what was told.
    """

    subject_id: str
    session: int
    day: date
    curriculum: Key
    stage: str | None
    flag: bool | None
    finished_trials: float | None
    foraging_efficiency: float | None
    trainer: str
    rig: str
    animal: str
    ran: str
    chose: bool = False


class Line(NamedTuple):
    """A line of the file of directives; `is_cut` lines lack their last field."""

    subject_id: str
    directive: str
    stage: str = ""
    from_date: str = ""
    until_date: str = ""
    who: str = "Ada"
    why: str = "said so"
    is_cut: bool = False

    def __str__(self) -> str:
        return ",".join(map(str, self[: len(COLUMNS) - self.is_cut]))


# lines that nobody can follow: a mouse of each is held until it is mended
BAD_LINES = (
    Line("", "hold", from_date="tomorrow"), Line("", "stay"), Line("", "pin", "STAGE_9"), Line("", "hold", why=""),
    Line("", "hold", is_cut=True),
)  # fmt: skip


@dataclass
class Mouse:
    """A mouse, with what happens to it (`story`) from which day on (`start`)."""

    subject_id: str
    trainer: str
    rig: str
    curriculum: Key
    story: str
    start: date
    arrives: date
    earlier_sessions: int
    learns_by: float
    talent: float
    ran: int = 0
    number: int = 0


class World:
    """A lab of some nights, the same for the same seed.

    Attributes:
        rows: what df_behavior has tonight, in order of arrival.
        lines: what the file of directives has tonight.
        happened: every event so far.
    """

    def __init__(
        self,
        seed: int = 1,
        mice: int = 84,
        nights: int = 30,
        trainers: int = 6,
        rigs: int = 5,
        has_flag: bool = True,
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.has_flag, self.nights = has_flag, nights
        self.rows: list[Row] = []
        self.lines: list[Line] = []
        self.happened: list[Event] = []
        self.library: dict[Key, Curriculum] = {of.key: of for of in load_library()}
        self.days = [FIRST_NIGHT + place * DAY for place in range(nights)]
        self._due: list[tuple[date, Callable[[], None]]] = []
        self._plan_the_lab(trainers, rigs)
        stories = [*STORIES, *["ordinary"] * len(STORIES)]
        self.mice = [self._mouse(place, stories[place % len(stories)], trainers, rigs) for place in range(mice)]
        self.by_subject = {mouse.subject_id: mouse for mouse in self.mice}
        for mouse in self.mice:
            self._before_the_first_night(mouse)
            self._plan_directives(mouse)

    def night(self, day: date) -> str:
        """What becomes of the night of a day: runs, night_missed or night_refused; rows and lines are what it finds."""
        due = [what for on, what in self._due if on <= day]
        self._due = [(on, what) for on, what in self._due if on > day]
        for what in due:
            what()
        became = self._nights.get(day, "runs")
        if became not in ("runs", "rolled_back"):
            self._happens(day, became)
        return "runs" if became == "rolled_back" else became

    def is_rolled_back(self, day: date) -> bool:
        """Whether people roll back what the night of the day published, before the rigs read it."""
        return self._nights.get(day) == "rolled_back"

    def published(self, day: date) -> None:
        """A night has published; what somebody asked of one night only is taken out of the file."""
        self.lines = [line for line in self.lines if line.directive != "decide_anew"]
        if self.is_rolled_back(day):
            self._happens(day, "rolled_back")

    def run(self, day: date, told: Mapping[str, str]) -> None:
        """The sessions of a day; `told` is the stage that is published for each mouse."""
        off = [trainer for trainer, on in self._day_off.items() if on == day]
        for trainer in off:
            self._happens(day, "trainer_off", trainer)
        for rig, first in self._broken.items():
            if day == first:
                self._happens(day, "sensor_broken", rig)
        for mouse in self.mice:
            if day >= mouse.arrives and mouse.trainer not in off and self._runs(mouse, day):
                self._session(mouse, day, told)

    def table(self) -> pa.Table:
        """df_behavior as it is tonight."""

        def floats(values: list[float | None]) -> pa.Array:
            return pa.array(values, pa.float64())

        def texts(values: list[str | None]) -> pa.Array:
            return pa.array(values, pa.string())

        rows = self.rows
        columns = {
            "subject_id": texts([row.subject_id for row in rows]),
            "session_date": texts([row.day.isoformat() for row in rows]),
            "session": floats([float(row.session) for row in rows]),
            "rig": texts([row.rig for row in rows]),
            "user_name": texts([row.trainer for row in rows]),
            "task": texts([row.curriculum[0] for row in rows]),
            "curriculum_name": texts([row.curriculum[0] for row in rows]),
            "curriculum_version": texts([row.curriculum[1] for row in rows]),
            "curriculum_schema_version": texts([row.curriculum[2] for row in rows]),
            "current_stage_actual": texts([row.stage for row in rows]),
            "finished_trials": floats([row.finished_trials for row in rows]),
            "foraging_eff": floats([row.foraging_efficiency for row in rows]),
        }
        if self.has_flag:
            columns["if_overriden_by_trainer"] = texts([None if row.flag is None else str(row.flag) for row in rows])
        return pa.table(columns)

    def directives(self) -> str:
        """The file of directives as it is tonight."""
        return "\n".join([",".join(COLUMNS), *map(str, self.lines), ""])

    def _mouse(self, place: int, story: str, trainers: int, rigs: int) -> Mouse:
        random, trainer = self.random, f"Trainer {1 + place % trainers}"
        start = self._a_day(2, 5)
        # on her day off nothing can begin
        start += (start == self._day_off[trainer]) * DAY
        is_new = story == "ordinary" and random.random() < 0.4
        curricula = CURRICULA if story != "bounces" else CURRICULA[:2]
        mouse = Mouse(
            subject_id=str(700_001 + place),
            trainer=trainer,
            rig=f"rig {1 + int(random.integers(rigs))}",
            curriculum=WITHOUT_GRADUATED
            if story == "graduated_by_hand"
            else curricula[int(random.integers(len(curricula)))],
            story=story,
            start=start,
            arrives=start + 2 * DAY if story == "enrolled" else self._a_day(0, 3) if is_new else FIRST_NIGHT,
            earlier_sessions=0 if is_new or story == "enrolled" else int(random.integers(5, 9)),
            learns_by=200.0 if story == "slow" else float(random.gamma(4, 3)),
            talent=float(random.normal(0, 0.04)),
        )
        if story == "long_gone":
            mouse.arrives = date.max
        return mouse

    def _a_day(self, earliest: int, from_the_end: int) -> date:
        return FIRST_NIGHT + int(self.random.integers(earliest, max(earliest + 1, self.nights - from_the_end))) * DAY

    def _before_the_first_night(self, mouse: Mouse) -> None:
        """Sessions from before there was auto training, in open loop."""
        last = FIRST_NIGHT - (90 if mouse.story == "long_gone" else 1) * DAY
        for place in range(mouse.earlier_sessions):
            day = last - (mouse.earlier_sessions - 1 - place) * DAY
            row = self._row(mouse, day, self._first_stage(mouse))
            self._arrives(replace(row, stage=None, flag=None), FIRST_NIGHT)
        if mouse.story == "long_gone":
            self._happens(last, "long_gone", mouse.subject_id)

    def _plan_directives(self, mouse: Mouse) -> None:
        """Lines of the file, by the mouse's story, from when to when they stand in it."""
        who, start, stages = mouse.subject_id, mouse.start, list(self.library[mouse.curriculum].stages)
        a_stage = str(stages[int(self.random.integers(1, len(stages) - 1))])
        first, last = start.isoformat(), (start + 3 * DAY).isoformat()
        key = f"{folder_name(mouse.curriculum[0])}/v{mouse.curriculum[1]}"
        # story -> the line, and how many days after the start it is written, and how many after that it is removed
        plans: dict[str, tuple[Line, int, int | None]] = {
            "held": (Line(who, "hold", "", first, last), 0, None),
            "pinned": (Line(who, "pin", a_stage, first, last), 0, None),
            "leaves": (Line(who, "left", "", first), 0, None),
            "enrolled": (Line(who, "enrol", key, first), 0, None),
            "restarts_and_continues": (Line(who, "continue_numbers", "", first), 3, None),
            "corrected_and_decided_anew": (Line(who, "decide_anew", "", first), 4, None),
            "bad_line": (BAD_LINES[int(self.random.integers(len(BAD_LINES)))]._replace(subject_id=who), 0, 4),
        }
        if mouse.story not in plans:
            return
        line, written, removed = plans[mouse.story]
        self._later(start + written * DAY, lambda: self._write(line, start + written * DAY))
        if removed is not None:
            self._later(start + removed * DAY, lambda: self.lines.remove(line))

    def _write(self, line: Line, day: date) -> None:
        self.lines.append(line)
        is_bad = self.by_subject[line.subject_id].story == "bad_line"
        self._happens(day, f"line: {'bad' if is_bad else line.directive}", line.subject_id)

    def _plan_the_lab(self, trainers: int, rigs: int) -> None:
        """Nights that do not go as usual, rigs that break, days off."""
        times = max(1, self.nights // 15)
        kinds = [kind for kind in ("night_missed", "night_refused", "rolled_back") for _ in range(times)]
        places = self.random.choice(np.arange(3, max(self.nights, 3 + len(kinds))), len(kinds), replace=False)
        self._nights = {FIRST_NIGHT + int(place) * DAY: kind for place, kind in zip(places, kinds, strict=True)}
        broken = self.random.choice(rigs, min(rigs, times), replace=False)
        self._broken = {f"rig {1 + int(rig)}": self._a_day(1, 5) for rig in broken}
        self._day_off = {f"Trainer {1 + place}": self._a_day(2, 1) for place in range(trainers)}

    def _runs(self, mouse: Mouse, day: date) -> bool:
        if mouse.story in ("leaves", "leaves_unsaid") and day >= mouse.start:
            if day == mouse.start:
                self._happens(day, mouse.story, mouse.subject_id)
            return False
        is_absent = self._is_the_day(mouse, day, "absent", 0.02)
        if is_absent:
            self._happens(day, "absent", mouse.subject_id)
        return not is_absent

    def _is_the_day(self, mouse: Mouse, day: date, story: str, chance: float = 0.0) -> bool:
        """Whether it happens to the mouse today: because it is its story, or by chance to an ordinary one."""
        if mouse.story == story:
            return day == mouse.start
        return mouse.story == "ordinary" and chance > 0 and bool(self.random.random() < chance)

    def _session(self, mouse: Mouse, day: date, told: Mapping[str, str]) -> None:
        """One session of a mouse, as it runs, is written, and arrives."""
        who, after = mouse.subject_id, (day - mouse.start).days
        if mouse.story in NUMBERED_PLAINLY and after == 0:
            mouse.number = 0
            self._happens(day, "restarts", who)
        runs_as = self._wrong_mouse(mouse, told) if self._is_the_day(mouse, day, "wrong_mouse") else mouse
        stage = told.get(runs_as.subject_id) or self._first_stage(runs_as)
        chose = self._is_the_day(mouse, day, "", 0.03) or (mouse.story == "chosen_often" and 0 <= after < 4)
        is_mistake = not chose and self._is_the_day(mouse, day, "mistake", 0.01)
        if chose or is_mistake:
            others = [of for of in map(str, self.library[mouse.curriculum].stages) if of not in (stage, "GRADUATED")]
            stage = others[int(self.random.integers(len(others)))]
            self._happens(day, "chose" if chose else "mistake", who)
        if mouse.story == "graduated_by_hand" and after >= 0 and stage != "GRADUATED":
            chose, stage = True, "GRADUATED"
            self._happens(day, "graduated_by_hand", who)
        row = self._row(mouse, day, stage)
        row.chose, row.flag = chose, chose
        if 0 <= after < IN_OPEN_LOOP.get(mouse.story, 0):
            row.stage, row.flag = None, None
            self._happens(day, "open_loop", who)
        if self._is_the_day(mouse, day, "unknown_version", 0.005):
            row.curriculum = (row.curriculum[0], UNKNOWN_VERSION, row.curriculum[2])
            self._happens(day, "unknown_version", who)
        self._arrives_somehow(mouse, row, day, runs_as)

    def _arrives_somehow(self, mouse: Mouse, row: Row, day: date, runs_as: Mouse) -> None:
        """The row comes tomorrow as it is, or not."""
        who, tomorrow, later = mouse.subject_id, day + DAY, day + int(self.random.integers(2, 5)) * DAY
        if runs_as is not mouse:
            runs_as.number += 1
            there = replace(row, subject_id=runs_as.subject_id, session=runs_as.number, curriculum=runs_as.curriculum)
            self._arrives(there, tomorrow)
            self._later(day + 3 * DAY, lambda: self._mend(there, row))
            self._happens(day, "wrong_mouse", who)
        elif self._is_the_day(mouse, day, "never_arrives", 0.005):
            self._happens(day, "never_arrives", who)
        elif self._is_the_day(mouse, day, "comes_late", 0.02):
            self._arrives(row, later)
            self._happens(day, "comes_late", who)
        else:
            self._arrives(row, tomorrow)
        if row.finished_trials and self._is_the_day(mouse, day, "comes_twice", 0.005):
            self._arrives(replace(row, finished_trials=row.finished_trials // 3), tomorrow)
            self._happens(day, "comes_twice", who)
        if self._is_the_day(mouse, day, "deleted", 0.003):
            self._later(later, lambda: self.rows.remove(row) if row in self.rows else None)
            self._happens(day, "deleted", who)
        if (mouse.story == "corrected_and_decided_anew" and day == mouse.start) or self._is_the_day(
            mouse, day, "corrected", 0.01
        ):
            self._later(later, lambda: self._correct(row))
            self._happens(day, "corrected", who)

    def _mend(self, there: Row, row: Row) -> None:
        self.rows.remove(there)
        self.rows.append(row)

    def _correct(self, row: Row) -> None:
        """Values that were wrong by so much that rules decide otherwise."""
        was_good = (row.foraging_efficiency or 0.0) > 0.6
        row.foraging_efficiency, row.finished_trials = (0.31, 120.0) if was_good else (0.93, 640.0)

    def _wrong_mouse(self, mouse: Mouse, told: Mapping[str, str]) -> Mouse:
        """The mouse whose name somebody takes by mistake."""
        others = [of for of in self.mice if of.story == "ordinary" and of.subject_id in told]
        return others[int(self.random.integers(len(others)))] if others else mouse

    def _row(self, mouse: Mouse, day: date, stage: str) -> Row:
        """A session as it should be written."""
        mouse.ran += 1
        mouse.number += 1
        efficiency, trials = performance(
            self.random,
            mouse.ran,
            np.array([STAGES.index(stage)]),
            np.array([mouse.learns_by]),
            np.array([mouse.talent]),
        )
        values: tuple[float | None, float | None] = (float(trials[0]), float(efficiency[0]))
        if mouse.story == "bounces":
            values = (480.0, 0.9) if mouse.ran % 2 else (120.0, 0.35)
        first = self._broken.get(mouse.rig)
        if first and first <= day < first + 4 * DAY:
            values = (None, None)
        return Row(
            mouse.subject_id, mouse.number, day, mouse.curriculum, stage, False, *values, mouse.trainer, mouse.rig,
            animal=mouse.subject_id, ran=stage,
        )  # fmt: skip

    def _first_stage(self, mouse: Mouse) -> str:
        return str(self.library[mouse.curriculum].first_stage)

    def _arrives(self, row: Row, on: date) -> None:
        self._later(on, lambda: self.rows.append(row))

    def _later(self, on: date, what: Callable[[], None]) -> None:
        self._due.append((on, what))

    def _happens(self, day: date, what: str, who: str = "") -> None:
        self.happened.append(Event(day, what, who))
