"""The simulator makes mice of any task in the library."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from auto_train.simulation.learning import Learning
from auto_train.simulation.mice import CURRICULA, Rates, simulate
from curricula.library import load_library
from curricula.schema import Curriculum
from curricula.tasks import TASKS, Metric

DAY = date(2026, 1, 31)
OF_OTHER_TASKS = [of for of in load_library() if of.task != "dynamic_foraging"]
NOTHING_WRONG = Rates(0, 0, 0, 0, 0, 0, 0, 0)


def simulated(also: list[tuple[Curriculum, int]], mice: int = 0, rates: Rates | None = None) -> pa.Table:
    return pa.concat_tables(simulate(mice, 30, 1, DAY, rates, also))


@pytest.mark.parametrize("curriculum", OF_OTHER_TASKS, ids=lambda of: f"{of.name} {of.version}")
def test_mice_of_every_task_of_the_library_learn_their_way_through_its_stages(curriculum: Curriculum) -> None:
    table = simulated([(curriculum, 60)], rates=NOTHING_WRONG)
    assert set(table["current_stage_actual"].drop_null().to_pylist()) >= set(curriculum.stages)
    assert set(table["curriculum_name"].to_pylist()) == {curriculum.name}
    assert set(table["task"].to_pylist()) == {of.parameters.task for of in curriculum.stages.values()}
    for of in Learning(curriculum).columns:
        assert of.lowest <= pc.min(table[of.column]).as_py() < pc.max(table[of.column]).as_py() <= of.highest
    assert table["finished_trials"].null_count == table.num_rows


def test_foraging_mice_are_the_same_whatever_mice_come_after_them() -> None:
    alone = simulated([], 5)
    of_others = [(curriculum, 2) for curriculum in OF_OTHER_TASKS]
    together = simulated(of_others, 5)
    assert together.slice(0, alone.num_rows).select(alone.column_names).to_pandas().equals(alone.to_pandas())
    subjects = sorted(set(together["subject_id"].to_pylist()))
    assert subjects == [str(600_000 + number) for number in range(5 + 2 * len(of_others))]


def test_mice_of_one_foraging_curriculum_forage() -> None:
    [curriculum] = [of for of in load_library() if of.key == CURRICULA[1]]
    table = simulated([(curriculum, 3)], rates=NOTHING_WRONG)
    assert set(table["curriculum_version"].to_pylist()) <= {"2.3", "v2.3"}
    assert table["finished_trials"].null_count == 0


@pytest.mark.parametrize(
    ("condition", "highest_turns"),
    [("last(hit_rate) >= 0.8", 200), ("last(hit_rate) >= 0.8 and last(turns) > 400", 900)],
)
def test_the_part_of_a_share_is_drawn_as_a_share(
    monkeypatch: pytest.MonkeyPatch, condition: str, highest_turns: float
) -> None:
    metrics = (
        *(Metric(name, (name,), "turns", "A count.", lowest=0) for name in ("hits", "turns")),
        Metric("hit_rate", (), "1", "A share.", lowest=0, highest=1, formula="hits / turns"),
    )
    monkeypatch.setitem(TASKS, "own", replace(TASKS["dummy"], name="own", metrics=metrics, stages=None))
    parameters = {"dummy_para_bool": True, "dummy_para_float": 1.0}
    rule = {"decision": "PROGRESS", "to_stage": "able", "condition": condition}
    curriculum = Curriculum.read({
        "name": "Own", "version": "1.0", "schema_version": "1.0", "task": "own",
        "stages": {
            "learn": {"parameters": parameters, "rules": [rule]}, "able": {"parameters": parameters, "rules": []}
        },
    })  # fmt: skip
    table = simulated([(curriculum, 20)], rates=NOTHING_WRONG).to_pandas()
    assert (table["hits"] <= table["turns"]).all()
    assert highest_turns / 3 < table["turns"].max() < highest_turns
    assert "able" in set(table["current_stage_actual"])
