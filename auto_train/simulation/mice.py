"""Write a df_behavior of simulated mice: they learn, rigs follow the suggestions, trainers and tables err."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auto_train.simulation.learning import Learning
from curricula.conditions import Condition, Measure, comparisons, holds
from curricula.library import load_library
from curricula.schema import Curriculum
from curricula.tasks import StageName

Floats = NDArray[np.float64]
STAGES = [str(stage) for stage in StageName]
FORAGING = "dynamic_foraging"
MICE_AT_ONCE = 20_000

TRAINERS = ["Ada", "Bo", "Cleo", "Dev"]
CURRICULA = [
    ("Coupled Baiting", "1.0", "1.0"),
    ("Coupled Baiting", "2.3", "1.0"),
    ("Uncoupled Baiting", "2.3", "1.0"),
    ("Uncoupled Without Baiting", "2.3", "1.0"),
    ("Uncoupled Without Baiting", "2.3.1rwdDelay159", "1.0"),
]

# What mice of other tasks do not have
OF_FORAGING = [
    *["session_run_time_in_min", "water_in_session_foraging", "water_in_session_manual", "water_in_session_total"],
    *["water_after_session", "total_trials", "finished_trials", "ignored_trials", "finished_rate", "ignore_rate"],
    *["reward_trials", "reward_rate", "foraging_eff", "foraging_performance", "bias_naive", "reaction_time_median"],
    "reaction_time_mean",
]
# The other columns of the real table, by type; the simulation leaves them missing
TEXTS = [
    "experiment_description", "notes", "session_start_time", "session_end_time", "laser_1_target_areas",
    "laser_2_target_areas", "commit_ID", "repo_url", "current_branch",
]  # fmt: skip
INTEGERS = [
    "total_trials_with_autowater", "finished_trials_with_autowater", "autowater_collected", "autowater_ignored",
    "effective_block_length_min", "effective_block_length_max",
]  # fmt: skip
SUMMARIES = ["mean", "std", "median", "min", "max"]
FLOATS = [
    *["water_day_total", "base_weight", "weight_after_ratio", "laser_1_calibration_power", "laser_2_calibration_power"],
    *(f"p_reward_sum_{statistic}" for statistic in SUMMARIES[:3]),
    *["p_reward_contrast_mean", "p_reware_contrast_median"],
    *(f"effective_block_length_{statistic}" for statistic in SUMMARIES[:3]),
    *(f"duration_{what}_{statistic}" for what in ("gocue_stop", "delay_period", "iti") for statistic in SUMMARIES),
    *["reward_volume_left_mean", "reward_volume_right_mean"],
    *(f"lickspout_{what}_{axis}" for what in ("movement_range", "initial_pos", "median_pos") for axis in "xyz"),
    *["finished_rate_with_autowater", "ignore_rate_with_autowater", "foraging_eff_random_seed"],
    *["foraging_performance_random_seed", "early_lick_rate", "invalid_lick_ratio"],
    *(f"double_dipping_rate_finished_{kind}trials" for kind in ("", "reward_", "noreward_")),
    *(f"lick_consistency_mean_finished_{kind}trials" for kind in ("", "reward_", "noreward_")),
    *(
        f"logistic_{fit}_{what}"
        for fit, terms in {
            "Su2022": ("RewC", "UnrC"),
            "Bari2019": ("RewC", "Choice"),
            "Hattori2019": ("RewC", "UnrC", "Choice"),
            "Miller2021": ("Choice", "Reward", "Choice_x_Reward"),
        }.items()
        for what in [
            *(f"{term}_{part}" for term in terms for part in ("amp", "tau")),
            "bias",
            "score_mean",
            "score_std",
        ]
    ),
]


@dataclass(frozen=True)
class Rates:
    """How often each irregularity comes up, per session."""

    override: float = 0.03
    missed_day: float = 0.08
    off_curriculum: float = 0.01
    unknown_version: float = 0.002
    missing_efficiency: float = 0.01
    twice: float = 0.002
    no_number: float = 0.003
    wrong_number: float = 0.0005


def performance(
    random: np.random.Generator, number: int | Floats, stage: NDArray[np.int64], learns_by: Floats, talent: Floats
) -> tuple[Floats, Floats]:
    """Foraging efficiency and finished trials of a session, each of shape (mice,).

    Args:
        random: where chance comes from.
        number: how many sessions the mice have run with this one.
        stage: place of the stage in `STAGES`.
        learns_by: session by which a mouse has learned half of it.
        talent: what it has beyond practice.
    """
    # hours of practice make skill, later stages ask for more of it
    skill = skill_of(number, learns_by, talent)
    mice = len(skill)
    efficiency = np.round(0.45 + 0.35 * skill - 0.01 * stage + random.normal(0, 0.07, mice), 4).clip(0, 1.2)
    trials = np.round(150 + 420 * skill + random.normal(0, 70, mice)).clip(1, 1000)
    return efficiency, trials


def skill_of(number: int | Floats, learns_by: Floats, talent: Floats) -> Floats:
    """What practice has made of the mice: 0 to 1, and their talent; shape (mice,)."""
    return 1 / (1 + np.exp(-(number - learns_by) / 5)) + talent


class Rulebook:
    """A curriculum's rules, ready to be applied to many mice at once; stages are places in `names`."""

    def __init__(self, curriculum: Curriculum) -> None:
        task = curriculum.task_definition
        self.key = curriculum.key
        self.names = list(task.stages or curriculum.stages)
        place = {name: number for number, name in enumerate(self.names)}
        self.first = place[curriculum.first_stage]
        self.stages = [place[stage] for stage in curriculum.stages]
        self.ends = [place[name] for name in {*curriculum.stages, *filter(None, [task.end])} if curriculum.is_end(name)]
        self.rules: list[tuple[int, Condition, int]] = [
            (place[name], rule.parsed(task), place[rule.to_stage])
            for name, stage in curriculum.stages.items()
            for rule in stage.rules
        ]
        looked_at = [of.measure.window for _, condition, _ in self.rules for of in comparisons(condition)]
        self.window = max(2, *looked_at)
        self.task = np.full(len(self.names), curriculum.name, object)
        for name, stage in curriculum.stages.items():
            self.task[place[name]] = stage.parameters.task

    def next_stage(
        self, stage: NDArray[np.int64], counters: dict[str, Floats], history: dict[str, Floats]
    ) -> NDArray[Any]:
        """Stage after a session, shape (mice,); `history` is per metric, shape (sessions so far, mice)."""

        def value(measure: Measure) -> Floats:
            if not measure.metric:
                return counters[measure.statistic]
            return measure.values(history[measure.metric][-measure.window :])

        after, open_ = stage.copy(), ~np.isin(stage, self.ends)
        for of_stage, condition, to_stage in self.rules:
            fires = open_ & (stage == of_stage)
            if fires.any():
                fires &= holds(condition, value)
                after[fires] = to_stage
                open_ &= ~fires
        return after


def simulate(
    mice: int,
    sessions_per_mouse: int,
    seed: int,
    last_day: date,
    rates: Rates | None = None,
    also: Sequence[tuple[Curriculum, int]] = (),
) -> Iterator[pa.Table]:
    """Simulated sessions in tables of at most `MICE_AT_ONCE` mice each, with the columns and types of the real table.

    Args:
        mice: number of foraging mice, of `CURRICULA`.
        sessions_per_mouse: mean number of sessions of a mouse.
        seed: the same seed gives the same tables; the foraging mice are the same whatever there is beside them.
        last_day: day of the newest session.
        rates: how often something goes wrong.
        also: curricula of any task, with the number of their mice, which come after them.
    """
    library = {curriculum.key: curriculum for curriculum in load_library()}
    groups = [([library[key] for key in CURRICULA], mice), *(([curriculum], count) for curriculum, count in also)]
    learning = [None if of[0].task == FORAGING else Learning(of[0]) for of, _ in groups]
    columns = list(dict.fromkeys(of.column for learns in learning if learns for of in learns.columns))
    before = 0
    for (curricula, count), learns in zip(groups, learning, strict=True):
        rulebooks = list(map(Rulebook, curricula))
        for first in range(before, before + count, MICE_AT_ONCE):
            random = np.random.default_rng([seed, first])
            of_cohort = min(MICE_AT_ONCE, before + count - first)
            cohort = _Cohort(
                600_000 + first, of_cohort, sessions_per_mouse, random, rulebooks, rates or Rates(), learns
            )
            yield cohort.table(last_day, columns)
        before += count


class _Cohort:
    """Mice of one task that are simulated together, session by session; every array of a step has the shape (mice,)."""

    def __init__(
        self,
        first_id: int,
        mice: int,
        sessions: int,
        random: np.random.Generator,
        rulebooks: list[Rulebook],
        rates: Rates,
        learning: Learning | None,
    ) -> None:
        self.random, self.rates, self.rulebooks, self.mice = random, rates, rulebooks, mice
        self.learning = learning
        self.window = max(book.window for book in rulebooks)
        self.subject = np.arange(first_id, first_id + mice)
        self.length = random.integers(1, 2 * sessions, mice)
        self.book = random.integers(0, len(rulebooks), mice)
        self.learns_by = random.gamma(4, 7, mice)
        self.talent = random.normal(0, 0.04, mice)
        self.open_loop_until = np.where(random.random(mice) < 0.15, random.integers(1, 12, mice), 0)
        self.trainer = random.integers(0, len(TRAINERS), mice)

    def chance(self, probability: float) -> NDArray[np.bool_]:
        return self.random.random(self.mice) < probability

    def table(self, last_day: date, columns_of_others: list[str]) -> pa.Table:
        steps = [
            self._step(number, state) for state in [self._start()] for number in range(1, int(self.length.max()) + 1)
        ]
        columns = {name: np.concatenate([step[name] for step in steps]) for name in steps[0]}
        gap = np.concatenate([np.where(self.chance(self.rates.missed_day), 2, 1) for _ in steps]).reshape(
            len(steps), -1
        )
        alive = np.arange(len(steps))[:, None] < self.length[None, :]
        # the newest session of each mouse lies within the last days; days before it are counted back over the gaps
        back = (np.cumsum((gap * alive)[::-1], axis=0)[::-1] - gap * alive).ravel()
        idle = np.where(self.random.random(self.mice) < 0.2, self.random.integers(1, 200, self.mice), 0)
        columns["days_back"] = back + np.tile(idle, len(steps))
        keep = np.flatnonzero(alive.ravel())
        rows = np.concatenate([keep, self.random.choice(keep, int(len(keep) * self.rates.twice))])
        rows = rows[np.argsort(-columns["days_back"][rows], kind="stable")]
        columns = {name: column[rows] for name, column in columns.items()}
        return self._to_arrow(columns, last_day, columns_of_others)

    def _start(self) -> dict[str, Any]:
        first = np.array([book.first for book in self.rulebooks])[self.book]
        return {
            "suggested": first,
            "last_actual": np.full(self.mice, -1),
            "run": np.zeros(self.mice, np.int64),
            "history": {},
        }

    def _session(self, number: int, stage: NDArray[np.int64]) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """What df_behavior has of a session by its columns, and what rules look at by its metrics."""
        if self.learning is None:
            efficiency, trials = performance(self.random, number, stage, self.learns_by, self.talent)
            efficiency[self.chance(self.rates.missing_efficiency)] = np.nan
            return (
                {"foraging_eff": efficiency, "finished_trials": trials},
                {"foraging_efficiency": efficiency, "finished_trials": trials},
            )
        skill = skill_of(number, self.learns_by, self.talent)
        drawn: dict[str, Floats] = {}
        for of in self.learning.columns:
            drawn[of.metric] = of.draw(self.random, skill, drawn)
        for values in drawn.values():
            values[self.chance(self.rates.missing_efficiency)] = np.nan
        return {of.column: drawn[of.metric] for of in self.learning.columns}, self.learning.all_metrics(drawn)

    def _step(self, number: int, state: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """One session of every mouse; leaves in `state` what the rigs will suggest for the next one."""
        reports = number > self.open_loop_until
        stage = state["suggested"].copy()
        moved = reports & self.chance(self.rates.override) & ~np.isin(stage, self.rulebooks[0].ends)
        for place, book in enumerate(self.rulebooks):
            of_book = np.flatnonzero(moved & (self.book == place))
            stage[of_book] = self.random.choice(book.stages, len(of_book))

        columns, metrics = self._session(number, stage)
        history = state["history"]
        for name, values in metrics.items():
            history[name] = np.vstack([history.get(name, np.empty((0, self.mice)))[1 - self.window :], values])

        off = self.chance(self.rates.off_curriculum)
        unknown = self.chance(self.rates.unknown_version) & ~off
        decided = ~(off | unknown)
        run = np.where(stage == state["last_actual"], state["run"], 0) + 1
        counters = {"session_total": np.full(self.mice, float(number)), "session_at_current_stage": run.astype(float)}
        after, task = stage.copy(), np.empty(self.mice, object)
        for place, book in enumerate(self.rulebooks):
            of_book = self.book == place
            after[of_book] = book.next_stage(
                stage[of_book],
                {name: value[of_book] for name, value in counters.items()},
                {name: value[:, of_book] for name, value in history.items()},
            )
            task[of_book] = book.task[stage[of_book]]
        state["suggested"] = np.where(decided, after, state["suggested"])
        state["last_actual"] = np.where(decided, stage, state["last_actual"])
        state["run"] = np.where(decided, run, state["run"])
        return {
            "mouse": np.arange(self.mice),
            "session": np.full(self.mice, float(number)),
            "stage": np.where(reports, stage, -1),
            "overridden": moved,
            "off": off,
            "unknown": unknown,
            "task": task,
            **columns,
        }

    def _to_arrow(self, c: dict[str, NDArray[Any]], last_day: date, columns_of_others: list[str]) -> pa.Table:
        random, rates, rows = self.random, self.rates, len(c["mouse"])

        def chance(probability: float) -> NDArray[np.bool_]:
            return random.random(rows) < probability

        # the second row of a session that came twice is a shorter run of it
        _, first = np.unique(c["mouse"] * 100_000 + c["session"].astype(np.int64), return_index=True)
        again = np.ones(rows, np.bool_)
        again[first] = False
        all_trials = c.get("finished_trials", np.ones(rows))
        efficiency = c.get("foraging_eff", np.ones(rows))
        trials = np.where(again, np.floor(all_trials / 3), all_trials)
        session = np.where(chance(rates.wrong_number), c["session"] + 0.5, c["session"])
        session = np.where(again | ~chance(rates.no_number), session, np.nan)

        book = self.book[c["mouse"]]
        names, versions, schemas = (
            np.array(part, object) for part in zip(*(of.key for of in self.rulebooks), strict=True)
        )
        version = np.where(c["unknown"], "9.9", versions[book])
        version = np.where(chance(0.3), "v" + version, version)
        labels = np.array([*self.rulebooks[0].names, None], object)
        stage = np.where((c["stage"] < 0) & chance(0.3), "Stage 2", labels[c["stage"]])
        stage = np.where((c["stage"] < 0) & chance(0.3), "None", stage)
        nothing = np.full(rows, None, object)
        off = np.where(chance(0.5), nothing, "None")
        total = trials + np.round(random.gamma(2, 20, rows))
        rewarded = np.round(trials * np.nan_to_num(efficiency, nan=0.5) * 0.5)
        weight = np.round(20 + random.normal(0, 1, rows), 1)
        days = np.datetime64(last_day) - c["days_back"].astype("timedelta64[D]")

        trial_length = 12.0  # seconds
        modelled = {
            "subject_id": pa.array(self.subject[c["mouse"]]).cast(pa.string()),
            "session_date": pa.array(days.astype("datetime64[D]")).cast(pa.string()),
            "nwb_suffix": pa.array((c["mouse"] * 37 % 86_400).astype(np.int64)),
            "session": pa.array(session),
            "rig": pa.array(c["mouse"] % 30).cast(pa.string()),
            "user_name": pa.array(np.array(TRAINERS, object)[self.trainer[c["mouse"]]]),
            "task": pa.array(c["task"]),
            "session_run_time_in_min": pa.array((total * trial_length / 60).astype(np.int64)),
            "water_in_session_foraging": pa.array(np.round(rewarded * 0.002, 3)),
            "water_in_session_manual": pa.array(np.zeros(rows)),
            "water_in_session_total": pa.array(np.round(rewarded * 0.002, 3)),
            "water_after_session": pa.array(np.round(np.maximum(0, 1 - rewarded * 0.002), 3)),
            "weight_after": pa.array(weight),
            "target_weight": pa.array(np.full(rows, 20.0)),
            "target_weight_ratio": pa.array(np.full(rows, 0.85)),
            "curriculum_name": pa.array(np.where(c["off"], off, names[book])),
            "curriculum_version": pa.array(np.where(c["off"], off, version)),
            "curriculum_schema_version": pa.array(np.where(c["off"], off, schemas[book])),
            "current_stage_actual": pa.array(stage),
            "if_overriden_by_trainer": pa.array(
                np.where(c["overridden"], "True", np.where(chance(0.5), nothing, "False"))
            ),
            "if_consistent_within_session": pa.array(~chance(0.005)),
            "total_trials": pa.array(total.astype(np.int64)),
            "finished_trials": pa.array(trials.astype(np.int64)),
            "ignored_trials": pa.array((total - trials).astype(np.int64)),
            "finished_rate": pa.array(trials / total),
            "ignore_rate": pa.array(1 - trials / total),
            "reward_trials": pa.array(rewarded.astype(np.int64)),
            "reward_rate": pa.array(rewarded / total),
            "foraging_eff": pa.array(efficiency),
            "foraging_performance": pa.array(efficiency * trials / total),
            "bias_naive": pa.array(np.round(random.normal(0, 0.2, rows), 3)),
            "reaction_time_median": pa.array(np.round(0.2 + 0.1 * random.random(rows), 3)),
            "reaction_time_mean": pa.array(np.round(0.25 + 0.1 * random.random(rows), 3)),
        }
        missing = {name: pa.nulls(rows, pa.string()) for name in TEXTS}
        missing |= {name: pa.nulls(rows, pa.int64()) for name in INTEGERS}
        missing |= {name: pa.nulls(rows, pa.float64()) for name in [*FLOATS, *columns_of_others]}
        columns = modelled | {name: values for name, values in missing.items() if name not in modelled}
        if self.learning is not None:
            columns |= {name: pa.nulls(rows, columns[name].type) for name in OF_FORAGING}
            for of in self.learning.columns:
                columns[of.column] = pa.array(c[of.column], from_pandas=True).cast(columns[of.column].type, safe=False)
        return pa.table(columns)


def write(tables: Iterator[pa.Table], path: Path) -> int:
    """Write the tables as one parquet file and return the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    rows = 0
    writer = None
    for table in tables:
        writer = writer or pq.ParquetWriter(beside, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=122_880)
        rows += table.num_rows
    if writer:
        writer.close()
        beside.replace(path)
    return rows
