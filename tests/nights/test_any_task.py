"""A night of two other tasks: stages of their own, derived metrics, policies, and what rigs and people are told."""

import json

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import ROOT, Project

SHAPING = ("vr_foraging", "LearningSets", "1.3.2", "shaping")
WORLD = ("choice_world", "IBL Choice World", "1.0", "in_training")


def row(subject: str, session: int, of: tuple[str, str, str, str | None], **metrics: float | None) -> dict[str, object]:
    task, name, version, stage = of
    day = f"2026-0{3 + session // 30}-{session % 30 + 1:02}"
    return {
        "subject_id": subject, "session": session, "session_date": day, "task": task,
        "curriculum_name": name, "curriculum_version": version, "curriculum_schema_version": "1.0",
        "current_stage_actual": stage, **metrics,
    }  # fmt: skip


def shaped(**metrics: float | None) -> dict[str, float | None]:
    return {
        "n_patches_visited": 204.0, "n_patches_seen": 300.0, "total_water_consumed": 0.5,
        "last_stop_velocity_threshold_updater": 12.0, "last_stop_duration_offset_updater": None,
        "last_n_neg_sites_per_pair": 5.0, "last_reward_amount": None,
    } | metrics  # fmt: skip


def trained(**metrics: float) -> dict[str, float]:
    return {
        "n_trials": 500.0, "perf_easy": 0.95, "psych_bias": 1.0, "psych_threshold": 10.0, "psych_lapse_low": 0.05,
        "psych_lapse_high": 0.05, "bias_shift": 6.0, "block_lapse": 0.05, "median_rt": 1.0, "has_zero_contrast": 1.0,
    } | metrics  # fmt: skip


ROWS = [
    row("1", 1, SHAPING, **shaped()),
    row("2", 1, SHAPING, **shaped(last_stop_velocity_threshold_updater=8.0)),
    # nothing was seen: the ratio is missing, and so it neither moves nor stops the mouse
    row("3", 1, SHAPING, **shaped(n_patches_seen=0.0, last_stop_velocity_threshold_updater=8.0)),
    # a stage of another task says nothing
    row("4", 1, (*SHAPING[:3], "in_training"), **shaped()),
    row("5", 1, (*SHAPING[:3], "graduated"), **shaped(total_water_consumed=1.5, last_reward_amount=7.0)),
    *(row("6", number, WORLD, **trained()) for number in (1, 2, 3)),
    row("7", 40, WORLD, **trained(n_trials=100.0)),
    row("7", 41, (*WORLD[:3], None), **trained()),
]


def test_a_night_of_other_tasks_tells_rigs_stages_and_parameters_and_people_why(project: Project) -> None:
    names = list(dict.fromkeys(name for of in ROWS for name in of))
    table = pa.table({name: [of.get(name) for of in ROWS] for name in names})
    pq.write_table(table, project.lake / "df_behavior.parquet")
    project.decide()

    published = json.loads((project.lake / "foraging_auto_training/next_session_test.json").read_text())
    jsonschema.validate(published, json.loads((ROOT / "docs/next_session.schema.json").read_text()))
    mice = published["mice"]
    assert {subject: mouse["stage"] for subject, mouse in mice.items()} == {
        "1": "shaping", "2": "graduated", "3": "shaping", "4": "shaping", "5": "graduated", "6": "trained_1b",
        "7": "untrainable",
    }  # fmt: skip
    # what a policy gives, and the stage's own where it gives nothing or the mouse moves
    told = {subject: mouse["parameters"] for subject, mouse in mice.items()}
    assert [told[of]["stop_velocity_threshold"] for of in ("1", "3", "4")] == [
        14.399999999999999,
        9.6,
        14.399999999999999,
    ]
    assert (told["1"]["stop_duration_offset"], told["1"]["inter_patch_mean"]) == (0.0, 60.0)
    assert "stop_velocity_threshold" not in told["2"]
    assert (told["2"]["reward_amount_ul"], told["5"]["reward_amount_ul"]) == (6.0, 6.5)
    assert told["7"] == {"task": "choice_world", "protocol": "none"}
    assert mice["1"]["sentence"].startswith(
        "STAY at shaping: no rule holds; PROGRESS to graduated would need last n neg sites per pair 5 ≥ 5 and last "
        "stop velocity threshold updater 12 not ≤ 8 and n patches seen 300 ≥ 200 and visit ratio 0.68 = 204 / 300 ≤ 0.7"
    )
    assert mice["1"]["sentence"].endswith("; stop_velocity_threshold 14.4 = clamp(12 × 1.2, 8, 60)")
    assert "visit ratio missing = 204 / 0 not ≤ 0.7" in mice["3"]["sentence"]
    assert mice["7"]["sentence"] == "STAY at untrainable: training has ended"

    decided = project.df_manager(
        "subject_id, session, decision, if_closed_loop, next_parameters", "subject_id in ('4', '5')"
    )
    assert [of[:4] for of in decided] == [("4", 1, "STAY", False), ("5", 1, "STAY", True)]
    assert decided[1][4] == '{"reward_amount_ul": 6.5}'
    # a way out of training is no graduation
    graduated = "select subject_id, sessions_to_graduation from marts.df_manager_stats where subject_id in ('2', '7')"
    assert sorted(project.query(f"{graduated} group by all")) == [("2", 1), ("7", None)]

    # what stands is kept, drift is seen in parameters too
    changed = [of | {"n_patches_visited": 210.0} if of["subject_id"] == "1" else of for of in ROWS]
    changed.append(row("1", 2, SHAPING, **shaped(last_stop_velocity_threshold_updater=10.0)))
    pq.write_table(
        pa.table({name: [of.get(name) for of in changed] for name in names}), project.lake / "df_behavior.parquet"
    )
    project.decide()
    of_mouse = project.df_manager("session, next_parameters", "subject_id = '1'")
    assert [json.loads(text)["stop_velocity_threshold"] for _, text in of_mouse] == [14.399999999999999, 12.0]
