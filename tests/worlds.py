"""Random worlds for property-based tests: curricula nobody would write, and mice to which everything happens."""

from typing import Any

from hypothesis import strategies as st

from curricula.schema import Curriculum
from tests.reference import OPERATORS, STAGES, Row

METRICS = {
    "dynamic_foraging": ("finished_trials", "foraging_efficiency"),
    "dummy": ("dummy_metric_int", "dummy_metric_float"),
}
ALL_METRICS = tuple(metric for metrics in METRICS.values() for metric in metrics)
# a grid of values whose sums do not come out even in binary, so that the order of additions shows
VALUES = {
    "finished_trials": [100.0, 200.0, 300.0, 400.0],
    "foraging_efficiency": [0.1, 0.2, 0.3, 0.6, 0.7],
    "dummy_metric_int": [1.0, 2.0, 3.0],
    "dummy_metric_float": [-0.1, 0.0, 0.1, 0.3],
}
FORAGING_PARAMETERS = {
    "task": "Coupled Baiting", "BaseRewardSum": 0.8, "RewardFamily": 1, "RewardPairsN": 1, "UncoupledReward": "",
    "Randomness": "Exponential", "BlockMin": 1, "BlockMax": 2, "BlockBeta": 1, "BlockMinReward": 0, "DelayMin": 0.0,
    "DelayMax": 0.0, "DelayBeta": 0.0, "RewardDelay": 0.0, "AutoReward": True, "AutoWaterType": "Natural",
    "Multiplier": 0.5, "Unrewarded": 5, "Ignored": 5, "ITIMin": 1.0, "ITIMax": 2.0, "ITIBeta": 1.0, "ITIIncrease": 0.0,
    "ResponseTime": 1.0, "RewardConsumeTime": 1.0, "StopIgnores": 10, "AdvancedBlockAuto": "off", "SwitchThr": 0.5,
    "PointsInARow": 5, "MaxTrial": 1000, "MaxTime": 90, "RightValue_volume": 2.0, "LeftValue_volume": 2.0,
    "warmup": "off", "warm_min_trial": 50, "warm_max_choice_ratio_bias": 0.1, "warm_min_finish_ratio": 0.8,
    "warm_windowsize": 20,
}  # fmt: skip
PARAMETERS = {"dynamic_foraging": FORAGING_PARAMETERS, "dummy": {"dummy_para_bool": True, "dummy_para_float": 0.5}}


@st.composite
def comparisons(draw: st.DrawFn, metrics: tuple[str, ...]) -> Any:
    """A comparison as the reference takes it."""
    kind = draw(st.sampled_from(["metric", "metric", "metric", "session_total", "session_at_current_stage"]))
    comparison = draw(st.sampled_from(list(OPERATORS)))
    if kind != "metric":
        return (comparison, kind, float(draw(st.integers(1, 5))))
    metric = draw(st.sampled_from(metrics))
    statistic = draw(st.sampled_from(["last", "mean", "mean", "min", "max"]))
    window = 1 if statistic == "last" else draw(st.integers(1, 6))
    values = draw(st.lists(st.sampled_from(VALUES[metric]), min_size=1, max_size=window))
    return (comparison, (statistic, metric, window), sum(values) / len(values))


def conditions(metrics: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A condition as the reference takes it."""
    return st.recursive(
        comparisons(metrics),
        lambda parts: st.tuples(st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3)),
        max_leaves=5,
    )


def text(condition: Any) -> str:
    """The condition in the language of the curricula."""
    if condition[0] in ("and", "or"):
        return f" {condition[0]} ".join(f"({text(part)})" for part in condition[1])
    comparison, of, threshold = condition
    if isinstance(of, tuple):
        statistic, metric, window = of
        of = f"last({metric})" if statistic == "last" else f"{statistic}({metric}, {window})"
    return f"{of} {comparison} {threshold!r}"


@st.composite
def rules(draw: st.DrawFn, stage: str, stages: list[str], metrics: tuple[str, ...]) -> list[Any]:
    """Rules of a stage as the reference takes them: (decision, to_stage, condition)."""
    found = []
    for _ in range(draw(st.integers(0 if stage == stages[-1] else 1, 3))):
        to_stage = draw(st.sampled_from([*stages, "GRADUATED"] if draw(st.booleans()) else stages))
        decision = "STAY" if to_stage == stage else draw(st.sampled_from(["PROGRESS", "ROLLBACK"]))
        found.append((decision, to_stage, draw(conditions(metrics))))
    return found


@st.composite
def curricula(draw: st.DrawFn) -> dict[tuple, Row]:
    """Two to four curricula of both tasks by their keys, as the reference takes them."""
    found = {}
    for number in range(draw(st.integers(2, 4))):
        task = draw(st.sampled_from(["dynamic_foraging", "dynamic_foraging", "dummy"]))
        stages = sorted(draw(st.sets(st.sampled_from(STAGES[:-1]), min_size=2, max_size=4)), key=STAGES.index)
        of_stages = {stage: draw(rules(stage, stages, METRICS[task])) for stage in stages}
        name = draw(st.sampled_from(["Alpha", "Beta"]))
        found[name, f"{number}.0", "1.0"] = {"task": task, "metrics": METRICS[task], "stages": of_stages}
    return found


def as_curriculum(key: tuple[str, str, str], values: Row) -> Curriculum:
    """A reference curriculum as the project's own."""
    return Curriculum.read(
        {
            "name": key[0],
            "version": key[1],
            "schema_version": key[2],
            "task": values["task"],
            "stages": {
                stage: {
                    "parameters": PARAMETERS[values["task"]],
                    "rules": [
                        {"decision": decision, "to_stage": to_stage, "condition": text(condition)}
                        for decision, to_stage, condition in of_stage
                    ],
                }
                for stage, of_stage in values["stages"].items()
            },
        }
    )


@st.composite
def sessions(draw: st.DrawFn, subject: str, number: int, keys: list[tuple]) -> Row:
    """One row of a clean df_behavior: what staging leaves, with the spellings it had (`raw_stage`, `raw_version`)."""
    name, version, schema = draw(st.sampled_from(keys))
    if draw(st.integers(0, 19)) == 0:
        version = "9.9"
    raw_stage = draw(st.sampled_from([None, None, None, "None", "", "Stage 2", *STAGES]))
    row = {
        "subject_id": subject,
        "session": number,
        "session_date": f"2024-01-{number + 1:02}",
        "task": "Coupled Baiting",
        "curriculum_name": None if draw(st.integers(0, 19)) == 0 else name,
        "curriculum_version": version,
        "curriculum_schema_version": schema,
        "stage": raw_stage if raw_stage not in ("None", "") else None,
        "raw_stage": raw_stage,
        "metrics": ALL_METRICS,
        "wrong": {},
    }
    for metric in ALL_METRICS:
        row[metric] = draw(st.sampled_from([*VALUES[metric] * 3, None, float("nan")]))
    return row


@st.composite
def nights(draw: st.DrawFn, keys: list[tuple], mice: int, longest: int = 9) -> list[list[Row]]:
    """df_behavior as three nights see it: sessions arrive in any order, some change, come twice or vanish."""
    tables: list[list[Row]] = [[], [], []]
    for mouse in range(mice):
        subject = draw(st.sampled_from(["7{:05}", "00{:04}"])).format(mouse)
        own_keys = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2))
        for number in sorted(draw(st.sets(st.integers(0, longest), min_size=1, max_size=longest))):
            row = draw(sessions(subject, number, own_keys))
            arrives = draw(st.sampled_from([0, 0, 1, 2]))
            for table in tables[arrives:]:
                event = draw(st.integers(0, 29)) if table is not tables[arrives] else 29
                if event == 0:
                    break
                if event in (1, 2, 3):
                    row = row | {metric: draw(st.sampled_from(VALUES[metric])) for metric in ALL_METRICS}
                if event == 4:
                    row = row | {"stage": "STAGE_2", "raw_stage": "STAGE_2"}
                table.append(row)
                if row["finished_trials"] and draw(st.integers(0, 29)) == 0:
                    table.append(row | {"finished_trials": 3.0, "stage": None, "raw_stage": None})
    return tables
