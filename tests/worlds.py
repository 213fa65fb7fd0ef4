"""Random worlds for property-based tests: curricula nobody would write, and mice to which everything happens.

All of it is drawn from a `Random`: Python's own for large worlds, Hypothesis's where a test looks for a small example.
"""

from random import Random
from typing import Any

from hypothesis import strategies as st

from curricula.conditions import Measure
from curricula.schema import Curriculum
from tests.reference import DERIVED, OPERATORS, STAGES, Row, missing

METRICS = {
    "dynamic_foraging": ("finished_trials", "foraging_efficiency"),
    "dummy": ("dummy_metric_int", "dummy_metric_float"),
    "vr_foraging": ("n_patches_visited", "n_patches_seen", "visit_ratio"),
}
# those that sessions carry
ALL_METRICS = tuple(metric for metrics in METRICS.values() for metric in metrics if metric not in DERIVED)
# a name may be that of a stage that another task fixes
OWN_STAGES = ["learn", "STAGE_3", "choose", "rest"]
OTHER_TASKS_STAGES = ["in_training"]
# a grid of values whose sums do not come out even in binary, so that the order of additions shows
VALUES = {
    "finished_trials": [100.0, 200.0, 300.0, 400.0],
    "foraging_efficiency": [0.1, 0.1, 0.1, 0.6, 0.6, 0.2, 0.3, 0.7],
    "dummy_metric_int": [1.0, 2.0, 3.0],
    "dummy_metric_float": [-0.1, 0.0, 0.1, 0.3],
    "n_patches_visited": [0.0, 51.0, 102.0, 204.0],
    "n_patches_seen": [0.0, 150.0, 300.0],
    "visit_ratio": [0.34, 0.68, 1.36],
}
FORAGING_PARAMETERS = {
    "task": "Coupled Baiting", "BaseRewardSum": 0.8, "RewardFamily": 1, "RewardPairsN": 1, "UncoupledReward": "",
    "Randomness": "Exponential", "BlockMin": 1, "BlockMax": 2, "BlockBeta": 1, "BlockMinReward": 0, "DelayMin": 0.0,
    "DelayMax": 0.0, "DelayBeta": 0.0, "RewardDelay": 0.0, "AutoReward": True, "AutoWaterType": "Natural",
    "Multiplier": 0.5, "Unrewarded": 5, "Ignored": 5, "ITIMin": 1.0, "ITIMax": 2.0, "ITIBeta": 1.0, "ITIIncrease": 0.0,
    "ResponseTime": 1.0, "RewardConsumeTime": 1.0, "StopIgnores": 10, "AdvancedBlockAuto": "off", "SwitchThr": 0.5,
    "PointsInARow": 5, "MaxTrial": 1000, "MaxTime": 90, "RightValue_volume": 2.0, "LeftValue_volume": 2.0,
}  # fmt: skip
WARMUP = {
    "warmup": "off", "warm_min_trial": 50, "warm_max_choice_ratio_bias": 0.1, "warm_min_finish_ratio": 0.8,
    "warm_windowsize": 20,
}  # fmt: skip
FORAGING_V03 = FORAGING_PARAMETERS | {
    "RightValue": 0.03, "LeftValue": 0.03, "NextBlock": False, "GiveLeft": False, "GiveRight": False,
    "GiveWaterL": 0.03, "GiveWaterR": 0.03, "GiveWaterL_volume": 3.0, "GiveWaterR_volume": 3.0,
    "IncludeAutoReward": False, "SaveTraining": True, "InitiallyInactiveN": 2, "task_schema_version": "0.3",
}  # fmt: skip
PARAMETERS = {
    ("dynamic_foraging", "1.0"): FORAGING_PARAMETERS | WARMUP,
    ("dynamic_foraging", "0.3"): FORAGING_V03,
    ("dummy", "1.0"): {"dummy_para_bool": True, "dummy_para_float": 0.5},
    ("vr_foraging", "1.0"): {"reward_probability": 0.5, "inter_patch_mean": 50.0, "n_odors": 2},
    ("choice_world", "1.0"): {"protocol": "none"},
}
# of each task some parameters, and whether they are whole numbers
POLICIES = {
    "dynamic_foraging": {"ITIMax": False, "MaxTrial": True},
    "dummy": {"dummy_para_float": False},
    "vr_foraging": {"reward_probability": False, "inter_patch_mean": False, "n_odors": True},
}


def one_in(random: Random, n: int) -> bool:
    return random.randrange(n) == 0


def comparison(random: Random, metrics: tuple[str, ...]) -> Any:
    """A comparison as the reference takes it, often with a threshold that values meet exactly."""
    kind = random.choice(["metric", "metric", "metric", "session_total", "session_at_current_stage"])
    sign = random.choice(list(OPERATORS))
    if kind != "metric":
        return (sign, kind, float(random.randint(1, 5)))
    metric = random.choice(metrics)
    statistic = random.choice(["last", "mean", "mean", "mean", "min", "max", "median", "sum", "count"])
    window = 1 if statistic == "last" else random.choice([1, 2, 3, 4, 5, 5, 6])
    if statistic == "count":
        compared = random.choice(list(OPERATORS)), random.choice(VALUES[metric])
        return (sign, (statistic, metric, window, *compared), float(random.randint(0, window)))
    values = [random.choice(VALUES[metric]) for _ in range(window)]
    threshold = {"mean": sum(values) / len(values), "sum": sum(values), "median": (values[0] + values[-1]) / 2}
    return (sign, (statistic, metric, window), threshold.get(statistic, values[0]))


def condition(random: Random, metrics: tuple[str, ...], depth: int = 2) -> Any:
    """A condition as the reference takes it."""
    if depth == 0 or random.randrange(5) < 3:
        return comparison(random, metrics)
    if one_in(random, 4):
        return ("not", condition(random, metrics, depth - 1))
    parts = [condition(random, metrics, depth - 1) for _ in range(random.randint(2, 3))]
    return (random.choice(["and", "or"]), parts)


def expression(random: Random, metrics: tuple[str, ...], numbers: list[float], depth: int = 3) -> Any:
    """The expression of a policy as the reference takes it."""
    kinds = ["measure", "arithmetic", "arithmetic", "limits", "clamp", "if", "if missing"]
    kind = random.choice(kinds if depth else ["number", "measure"])
    if kind == "number":
        return random.choice(numbers)
    if kind == "measure":
        return measure(random, metrics)

    def part() -> Any:
        return expression(random, metrics, numbers, depth - 1)

    if kind == "arithmetic":
        return (random.choice("+-*/"), part(), part())
    if kind == "limits":
        return (random.choice(["least", "greatest"]), part(), part())
    if kind == "clamp":
        return ("clamp", part(), *sorted(random.sample(numbers, 2)))
    of = ("last", random.choice(metrics), 1)
    compared = (random.choice(list(OPERATORS)), of, random.choice(numbers))
    return ("if", ("missing", of) if kind == "if missing" else compared, part(), part())


def measure(random: Random, metrics: tuple[str, ...]) -> Any:
    """A measure as policies look at it, mostly the newest value."""
    metric = random.choice(metrics)
    if metric not in VALUES or not one_in(random, 6):
        return ("last", metric, 1)
    return random.choice([
        "session_at_current_stage", ("mean", metric, 3), ("median", metric, 2),
        ("count", metric, 4, ">=", VALUES[metric][-1]),
    ])  # fmt: skip


def policies(random: Random, task: str, stages: list[str]) -> Row:
    """Policies of some stages as the reference takes them."""
    numbers = [0.0, 0.5, 1.5, 2.5, 150.0]
    return {
        stage: {
            parameter: (is_whole, expression(random, METRICS[task], numbers, depth=2))
            for parameter, is_whole in POLICIES[task].items()
            if not one_in(random, 3)
        }
        for stage in stages
        if not one_in(random, 3)
    }


def expression_text(of: Any) -> str:
    """The expression in the language of policies."""
    if isinstance(of, int | float):
        return repr(of)
    if of[0] == "if":
        asked = f"missing({measure_text(of[1][1])})" if of[1][0] == "missing" else text(of[1])
        return f"({expression_text(of[2])} if {asked} else {expression_text(of[3])})"
    if of[0] in ("+", "-", "*", "/"):
        return f"({expression_text(of[1])}) {of[0]} ({expression_text(of[2])})"
    if of[0] in ("least", "greatest", "clamp"):
        return f"{of[0]}({', '.join(map(expression_text, of[1:]))})"
    return measure_text(of)


def conditions(metrics: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Conditions for tests of single ones."""
    return st.randoms(use_true_random=False).map(lambda random: condition(random, metrics))


def plain(measure: Measure) -> Any:
    """A measure as the reference takes it."""
    if not measure.metric:
        return measure.statistic
    compared = (measure.operator, measure.threshold) if measure.operator else ()
    return (measure.statistic, measure.metric, measure.window, *compared)


def text(condition: Any) -> str:
    """The condition in the language of the curricula."""
    if condition[0] in ("and", "or"):
        return f" {condition[0]} ".join(f"({text(part)})" for part in condition[1])
    if condition[0] == "not":
        return f"not ({text(condition[1])})"
    sign, of, threshold = condition
    return f"{measure_text(of)} {sign} {threshold!r}"


def measure_text(of: Any) -> str:
    """The measure in the language of the curricula."""
    if isinstance(of, str):
        return of
    statistic, metric, window, *compared = of
    looks_at = " ".join([metric, compared[0], repr(compared[1])]) if compared else metric
    return f"last({metric})" if statistic == "last" else f"{statistic}({looks_at}, {window})"


def rules(random: Random, stage: str, stages: list[str], metrics: tuple[str, ...]) -> list[Any]:
    """Rules of a stage as the reference takes them: (decision, to_stage, condition)."""
    found = []
    for _ in range(random.randint(0 if stage == stages[-1] else 1, 3)):
        to_stage = random.choice([*stages, "GRADUATED"] if one_in(random, 2) else stages)
        decision = "STAY" if to_stage == stage else random.choice(["PROGRESS", "ROLLBACK"])
        found.append((decision, to_stage, condition(random, metrics)))
    if found and "foraging_efficiency" in metrics:
        # holds in one order of addition only, so it seldom stands in the way of the others
        values = [random.choice([0.1, 0.6]) for _ in range(3)]
        mean = ("==", ("mean", "foraging_efficiency", 3), sum(values) / 3)
        found.insert(0, (found[0][0], found[0][1], mean))
    return found


def curricula(random: Random, most: int = 4) -> dict[tuple, Row]:
    """Two curricula or more of the tasks that fix their stages, by their keys, as the reference takes them."""
    found: dict[tuple, Row] = {}
    for number in range(random.randint(most // 2, most)):
        task, schema = random.choice([
            ("dynamic_foraging", "1.0"), ("dynamic_foraging", "1.0"), ("dynamic_foraging", "0.3"), ("dummy", "1.0")
        ])  # fmt: skip
        stages = sorted(random.sample(STAGES[:-1], random.randint(2, 4)), key=STAGES.index)
        of_stages = {stage: rules(random, stage, stages, METRICS[task]) for stage in stages}
        # a graduated mouse stays, whatever rules say
        if one_in(random, 2):
            of_stages["GRADUATED"] = [
                ("ROLLBACK", stages[0], ("or", [(">=", "session_total", 0.0), ("<", "session_total", 0.0)]))
            ]
        # the same name and version under another schema is another curriculum
        twin = next((key for key in found if key[2] != schema and found[key]["task"] == task), None)
        name, version = twin[:2] if twin and one_in(random, 2) else (random.choice(["Alpha", "Beta"]), f"{number}.0")
        found[name, version, schema] = {
            "task": task,
            "metrics": METRICS[task],
            "stages": of_stages,
            "own": False,
            "policies": policies(random, task, list(of_stages)),
        }
    return found


def own_curricula(random: Random) -> dict[tuple, Row]:
    """Curricula that name their own stages, and one of another task."""
    found: dict[tuple, Row] = {}
    task = "vr_foraging"
    for number in range(3):
        stages = random.sample(OWN_STAGES, random.randint(2, 4))
        of_stages = {
            stage: [
                (decision, to_stage, condition)
                for decision, to_stage, condition in rules(random, stage, stages, METRICS[task])
                if to_stage != "GRADUATED"
            ]
            for stage in stages
        }
        of_stages[stages[-1]] = []
        found["Own", f"{number}.0", "1.0"] = {
            "task": task,
            "metrics": METRICS[task],
            "stages": of_stages,
            "own": True,
            "policies": policies(random, task, stages),
        }
    found["Other", "1.0", "1.0"] = {
        "task": "choice_world",
        "metrics": (),
        "stages": {stage: [] for stage in OTHER_TASKS_STAGES},
        "own": True,
        "policies": {},
    }
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
                    "parameters": PARAMETERS[values["task"], key[2]],
                    "policies": {
                        parameter: expression_text(of)
                        for parameter, (_, of) in values["policies"].get(stage, {}).items()
                    },
                    "rules": [
                        {"decision": decision, "to_stage": to_stage, "condition": text(condition)}
                        for decision, to_stage, condition in of_stage
                    ],
                }
                for stage, of_stage in values["stages"].items()
            },
        }
    )


def session(random: Random, subject: str, number: int, keys: list[tuple]) -> Row:
    """One row of df_behavior: what staging is to make of it, and the spellings that it had (`raw`)."""
    name, version, schema = random.choice(keys)
    if one_in(random, 20):
        version = "9.9"
    elif one_in(random, 20):
        schema = "9.9"
    raw_stage = random.choice(
        [None, None, None, "None", "", "Stage 2", *STAGES, random.choice([*OWN_STAGES, *OTHER_TASKS_STAGES])]
    )
    day = None if one_in(random, 25) else f"2024-01-{number + 1:02}"
    task = random.choice(["Coupled Baiting", "Uncoupled Baiting"])
    row = {
        "subject_id": subject,
        "session": number,
        "session_date": day,
        "task": task,
        "curriculum_name": None if one_in(random, 20) else name,
        "curriculum_version": version,
        "curriculum_schema_version": schema,
        "stage": raw_stage if raw_stage not in ("None", "") else None,
        "metrics": ALL_METRICS,
        "wrong": {},
        "raw": {
            "current_stage_actual": raw_stage,
            "task": "coupled_block_baiting" if task == "Coupled Baiting" and one_in(random, 2) else task,
            "curriculum_version": f"v{version}" if one_in(random, 2) else version,
            "curriculum_schema_version": f"v{schema}" if one_in(random, 2) else schema,
            "session": None if one_in(random, 40) else random.choice([number] * 40 + [number + 0.5, -1.0]),
        },
    }
    if row["curriculum_name"] is None:
        row["raw"]["curriculum_name"] = random.choice([None, "None", ""])
    for metric in ALL_METRICS:
        row[metric] = random.choice([*VALUES[metric] * 3, None, float("nan")])
        if one_in(random, 60):
            row["raw"][metric] = float("inf")
            row[metric], row["wrong"] = None, row["wrong"] | {metric: True}
    if row["raw"]["session"] != number:
        row["session"] = None
    return row


def nights(random: Random, keys: list[tuple], mice: int, longest: int = 9) -> list[list[Row]]:
    """df_behavior as three nights see it: sessions arrive in any order, some change, come twice or vanish."""
    tables: list[list[Row]] = [[], [], []]
    for mouse in range(mice):
        subject = random.choice(["7{:05}", "00{:04}", "x{:05}"] if one_in(random, 10) else ["7{:05}", "00{:04}"])
        own_keys = random.sample(keys, min(len(keys), random.randint(1, 2)))
        for number in sorted(random.sample(range(longest + 1), random.randint(1, longest))):
            row = session(random, subject.format(mouse), number, own_keys)
            arrives = random.choice([0, 0, 1, 2])
            for table in tables[arrives:]:
                event = random.randrange(30) if table is not tables[arrives] else 29
                if event == 0:
                    break
                if event in (1, 2, 3):
                    row = row | {
                        metric: random.choice(VALUES[metric]) for metric in ALL_METRICS if not row["wrong"].get(metric)
                    }
                if event == 4:
                    row = row | {"stage": "STAGE_2", "raw": row["raw"] | {"current_stage_actual": "STAGE_2"}}
                table.append(row)
                if row["session"] is not None and one_in(random, 20):
                    table.append(double(random, row))
    return tables


def double(random: Random, row: Row) -> Row:
    """Another row of the same session that is not the session, or does not differ from it."""
    if missing(row["finished_trials"]):
        return dict(row)
    raw = row["raw"] | {"current_stage_actual": None}
    if row["session_date"] and one_in(random, 2):
        # days apart it is another session, whose number the rig began to count anew
        day = int(row["session_date"][-2:]) + random.choice([3, 4, 10])
        row = row | {"session_date": f"2024-01-{day:02}"}
    return row | {"finished_trials": random.choice([3.0, None]), "stage": None, "raw": raw}


def directives(random: Random, rows: list[Row]) -> list[Row]:
    """Directives without problems, one or none for a mouse, some without one or both dates."""
    found = []
    for subject in sorted({row["subject_id"] for row in rows}):
        if random.randrange(3):
            continue
        day = random.randint(1, 11)
        found.append({
            "subject_id": subject,
            "directive": random.choice(
                ["hold", "pin", "off_curriculum", "enrol", "left", "continue_numbers", "decide_anew", "decide_anew"]
            ),
            "stage": None,
            "from_date": random.choice([None, f"2024-01-{day:02}"]),
            "until_date": random.choice([None, f"2024-01-{day + random.randint(0, 4):02}"]),
        })  # fmt: skip
        if found[-1]["directive"] in ("pin", "enrol"):
            found[-1]["stage"] = random.choice([*STAGES, *OWN_STAGES])
        if found[-1]["directive"] in ("continue_numbers", "decide_anew"):
            found[-1]["from_date"] = f"2024-01-{day:02}"
    return found
