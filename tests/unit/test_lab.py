"""The simulated lab: its world is reproducible and lacks nothing, and its judge finds what is told wrongly."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from auto_train.lab import judge as judging
from auto_train.lab.judge import Seen, Sentence, contradiction
from auto_train.lab.nights import live
from auto_train.lab.reference import Rules, night
from auto_train.lab.truth import ATTENTION, RIGS
from auto_train.lab.world import OF_THE_LAB, STORIES, Line, Row, World
from auto_train.lake import LakeError
from curricula.library import folder_name
from scripts.lab import command
from tests.unit.lived import Lived, decided, judged, lived, truly

# stories that are a line of a file, or how a mouse learns
AS_LINES = {
    "held": "line: hold", "pinned": "line: pin", "bad_line": "line: bad", "enrolled": "line: enrol",
    "restarts_and_continues": "line: continue_numbers", "corrected_and_decided_anew": "line: decide_anew",
    "chosen_often": "chose",
}  # fmt: skip


@dataclass
class Life:
    world: World
    days: list[Lived]


@pytest.fixture(scope="module")
def month() -> Life:
    world = World(seed=1, mice=48, nights=30)
    return Life(world, list(lived(world)))


def test_the_reference_tells_a_mouse_where_it_starts_only_until_it_runs(month: Life) -> None:
    rules, day = Rules(month.world.library), date(2024, 5, 1)
    key = next(key for key in month.world.library if key[1] == "2.3")
    enrolled = Line("1", "enrol", f"{folder_name(key[0])}/v{key[1]}", "2024-04-01")
    of_nowhere = Row("1", 1, day, ("Nothing", "1", "1"), None, None, 1.0, 1.0, "Ada", "rig", "1", "STAGE_1")
    assert list(night([], [enrolled], {}, rules, day)["1"].decisions) == [0]
    ran = night([of_nowhere], [enrolled], {}, rules, day)["1"]
    assert (ran.decisions, [reason for _, reason in ran.aside]) == ({}, ["unknown_curriculum"])


@pytest.fixture
def a_day(month: Life) -> Lived:
    return month.days[20]


def test_a_world_is_the_same_for_a_seed_and_another_for_another() -> None:
    def life(seed: int, **sizes: int) -> World:
        world = World(seed, **{"mice": 12, "nights": 5, **sizes})
        for _ in lived(world):
            pass
        return world

    one, same, other = life(1), life(1), life(2)
    assert one.table().equals(same.table()) and one.happened == same.happened
    assert not one.table().equals(other.table())
    small = life(1, mice=6, trainers=2, rigs=1).table()
    assert {*small["subject_id"].to_pylist()} <= {f"70000{n}" for n in range(1, 7)}
    assert {*small["user_name"].to_pylist()} == {"Trainer 1", "Trainer 2"}
    assert {*small["rig"].to_pylist()} == {"rig 1"}


def test_a_world_without_the_rigs_flag_has_no_such_column() -> None:
    assert "if_overriden_by_trainer" in World(mice=1).table().column_names
    assert "if_overriden_by_trainer" not in World(mice=1, has_flag=False).table().column_names


def test_without_the_flag_a_mistake_is_taken_for_a_choice() -> None:
    """All that can be known then is that another stage ran than was told."""
    world = World(seed=1, mice=24, nights=9, has_flag=False)
    days = list(lived(world))
    mistakes = {(of.who, of.day) for of in world.happened if of.what == "mistake"}
    chosen = {(who, day) for (who, _, day), row in days[-1].told.items() if row["trainer_chose"]}
    assert mistakes and mistakes <= chosen
    in_open_loop = [row for row in days[-1].told.values() if row["stage_told"] and row["stage_ran"] is None]
    assert in_open_loop
    assert {(row["followed"], row["trainer_chose"]) for row in in_open_loop} == {(None, False)}
    assert {why for day in days for _, why in day.truth.attention} >= {"overridden"}
    assert not [day for day in days for _, why in day.truth.attention if why == "applied_another_stage"]


def test_everything_that_can_happen_happens_in_thirty_nights(month: Life) -> None:
    happened = {event.what for event in month.world.happened}
    expected = {AS_LINES.get(story, story) for story in STORIES} | {*OF_THE_LAB, "restarts", "line: left"}
    assert expected - happened == {"slow", "bounces"}
    told = Counter(reason for day in month.days for _, reason in day.truth.attention)
    assert {*ATTENTION, *RIGS} - told.keys() == set()
    assert all(day.truth.gone for day in month.days)


def test_what_is_true_agrees_with_the_rows(month: Life) -> None:
    world = month.world
    mornings = month.days[-1].mornings
    first_stage = {of.subject_id: str(world.library[of.curriculum].first_stage) for of in world.mice}
    chose, mistakes = (
        {(of.who, of.day) for of in world.happened if of.what in kinds}
        for kinds in (("chose", "graduated_by_hand"), ("mistake",))
    )
    of_others = {(of.who, of.day) for of in world.happened if of.what == "wrong_mouse"}
    open_loop = {(of.who, of.day) for of in world.happened if of.what == "open_loop"}
    for row in world.rows:
        ran = (row.animal, row.day)
        if row.day not in mornings:
            assert row.stage is None and row.flag is None
            continue
        assert (row.stage is None) == (ran in open_loop)
        assert row.stage in (row.ran, None) and row.flag in (row.chose, None)
        assert row.chose == (ran in chose)
        told = mornings[row.day].stages.get(row.animal, first_stage[row.animal])
        if ran not in of_others:
            assert (row.ran != told) == (ran in chose or ran in mistakes)
            assert row.subject_id == row.animal
    there = {(row.animal, row.day) for row in world.rows}
    never = {(of.who, of.day) for of in world.happened if of.what == "never_arrives"}
    deleted = {(of.who, of.day) for of in world.happened if of.what == "deleted"}
    last = world.days[-1]
    assert never and not never & there
    assert {of for of in deleted if of[1] <= last - timedelta(days=4)}.isdisjoint(there)
    # a counter that restarted says a number twice, days apart
    restarted = [of.subject_id for of in world.mice if of.story == "restarts"]
    numbers = Counter((row.subject_id, row.session) for row in world.rows)
    assert all(numbers[subject, 1] == 2 for subject in restarted)


@pytest.mark.parametrize(
    ("event", "story", "reason", "days_later"),
    [
        ("restarts", "restarts", "counter_restarted", 1),
        ("restarts", "restarts_and_continues", "counter_restarted", 1),
        ("line: hold", "held", "held", 0),
        ("line: pin", "pinned", "held", 3),
        ("line: hold", "held", "directive_ends", 2),
        ("line: bad", "bad_line", "directive_problem", 0),
        ("unknown_version", "unknown_version", "newest_set_aside", 1),
        ("open_loop", "open_loop", "went_open_loop", 1),
        ("absent", "absent", "did_not_run", 1),
        ("never_arrives", "never_arrives", "did_not_run", 1),
        ("chose", "chosen_often", "overridden", 4),
        ("mistake", "mistake", "applied_another_stage", 1),
        ("graduated_by_hand", "graduated_by_hand", "stage_without_parameters", 1),
    ],
)
def test_what_happens_to_a_mouse_is_what_is_true_of_it(
    event: str, story: str, reason: str, days_later: int, month: Life
) -> None:
    """From the day on which it can be known; before it happened nothing of it is true."""
    true = {(day.day, who) for day in month.days for who, why in day.truth.attention if why == reason}
    mice = [of for of in month.world.mice if of.story == story]
    assert mice
    for mouse in mice:
        first = min(of.day for of in month.world.happened if (of.what, of.who) == (event, mouse.subject_id))
        assert (first + timedelta(days=days_later), mouse.subject_id) in true
        assert [day for day, who in true if who == mouse.subject_id and day < first] == []


def test_a_rig_whose_sensor_broke_misses_values_until_it_is_mended(month: Life) -> None:
    true = {(day.day, who) for day in month.days for who, why in day.truth.attention if why == "values_missing"}
    broke = {of.who: of.day for of in month.world.happened if of.what == "sensor_broken"}
    assert {who for _, who in true} == broke.keys()
    for rig, day in broke.items():
        assert (day + timedelta(days=3), rig) in true
        assert all(day < on < day + timedelta(days=7) for on, who in true if who == rig)


def test_a_late_row_is_not_in_the_table_before_it_arrives(month: Life) -> None:
    world = World(seed=1, mice=48, nights=30)
    arrivals: dict[tuple[str, int], list[int]] = {}
    for day in lived(world):
        for row in world.rows:
            arrivals.setdefault((row.animal, row.day.toordinal()), []).append(day.day.toordinal())
    late = {(of.who, of.day.toordinal()) for of in world.happened if of.what == "comes_late"}
    waited = [min(arrivals[of]) - of[1] for of in late & arrivals.keys()]
    assert waited and {2, 3, 4} >= set(waited)


def test_what_is_told_truly_is_not_wrong(month: Life) -> None:
    for day in month.days:
        # of reasons that the project does not know yet nothing is told
        judge = judged(day, truly(day), decided(day), month.world)
        assert [of for of in judge.wrong if of[1] != "nights"] == []


def tampered(change: Callable[[Seen, dict], None], a_day: Lived, world: World) -> set[str]:
    """Kinds that are wrong after a change of what is told."""
    seen, published = truly(a_day), decided(a_day)
    change(seen, published)
    return judged(a_day, seen, published, world).wrong_kinds


def an_ordinary(world: World, published: dict) -> str:
    return next(of.subject_id for of in world.mice if of.story == "ordinary" and of.subject_id in published)


def test_a_decision_that_is_other_or_missing_or_too_many_is_found(month: Life, a_day: Lived) -> None:
    def other(seen: Seen, published: dict) -> None:
        of = published[an_ordinary(month.world, published)]
        of[max(of)] = "STAGE_9"

    def missing(seen: Seen, published: dict) -> None:
        of = published[an_ordinary(month.world, published)]
        del of[min(of)]

    def nobody(seen: Seen, published: dict) -> None:
        del published[an_ordinary(month.world, published)]

    def apart(seen: Seen, published: dict) -> None:
        published[next(of.subject_id for of in month.world.mice if of.story == "restarts")][99] = "STAGE_1"

    for change in (other, missing, nobody):
        assert tampered(change, a_day, month.world) == {"decisions"} | tampered(lambda *_: None, a_day, month.world)
    assert "decisions: counter restarted" in tampered(apart, a_day, month.world)


@pytest.mark.parametrize("column", ["stage_told", "run_id", "stage_ran", "followed", "trainer_chose"])
def test_what_is_told_of_a_day_wrongly_is_found(column: str, month: Life, a_day: Lived) -> None:
    def change(seen: Seen, published: dict) -> None:
        assert seen.told
        row = next(of for of in seen.told.values() if of["followed"])
        row[column] = not row[column] if isinstance(row[column], bool) else "other"

    found = tampered(change, a_day, month.world) - tampered(lambda *_: None, a_day, month.world)
    assert found == {"trainer_chose" if column == "trainer_chose" else f"told: {column}"}


@pytest.fixture
def all_reasons_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "KNOWN_REASONS", {*ATTENTION, *RIGS})


@pytest.mark.usefixtures("all_reasons_are_known")
@pytest.mark.parametrize("reason", [*ATTENTION, *RIGS])
def test_who_is_listed_wrongly_or_not_listed_is_found(reason: str, month: Life) -> None:
    day = next(of for of in month.days if any(why == reason for _, why in of.truth.attention))
    assert tampered(lambda *_: None, day, month.world) == set()

    def left_out(seen: Seen, published: dict) -> None:
        seen.attention.remove(next(of for of in seen.attention if of[1] == reason))

    def added(seen: Seen, published: dict) -> None:
        seen.attention.add(("800000", reason))

    assert tampered(left_out, day, month.world) == {f"attention: {reason}"}
    assert tampered(added, day, month.world) == {f"attention: {reason}"}


@pytest.mark.usefixtures("all_reasons_are_known")
def test_a_mouse_that_is_gone_and_a_reason_that_nobody_planned_are_not_to_be_listed(month: Life, a_day: Lived) -> None:
    gone = min(a_day.truth.gone)

    def listed(who: str, why: str) -> set[str]:
        return tampered(lambda seen, _: seen.attention.add((who, why)), a_day, month.world)

    assert listed(gone, "held") == {"attention: mice that are gone"}
    assert listed("800000", "old_version") == {"attention: other reasons"}


def test_what_nothing_tells_is_a_line_of_the_table(month: Life, a_day: Lived) -> None:
    judge = judged(a_day, truly(a_day)._replace(told=None), decided(a_day), month.world)
    [line] = [line for line in judge.table().splitlines() if line.startswith("trainer_chose ")]
    assert line.split()[1] == "0" and "not told" in line
    assert "trainer_chose" in judge.wrong_kinds
    assert not [of for of in judge.wrong if of[1] == "trainer_chose"]


@pytest.mark.parametrize(
    ("decision", "rule", "directive", "sentence", "is_wrong"),
    [
        ("PROGRESS", 1, None, "PROGRESS to STAGE_2: finished trials 351 ≥ 200", False),
        (
            "PROGRESS",
            1,
            None,
            "PROGRESS to STAGE_2: no rule holds; PROGRESS to STAGE_2 would need trials 1 not ≥ 2",
            True,
        ),
        ("PROGRESS", 1, None, "PROGRESS to STAGE_3: finished trials 351 ≥ 200", True),
        ("PROGRESS", 1, None, "STAY at STAGE_2: finished trials 351 ≥ 200", True),
        ("PROGRESS", 1, None, "PROGRESS to STAGE_2: finished trials 120 ≥ 200", True),
        ("PROGRESS", 1, None, "PROGRESS to STAGE_2: finished trials missing ≥ 200", True),
        ("PROGRESS", None, "pin", "PROGRESS to STAGE_2: pin STAGE_2 by Ada", False),
        ("STAY", None, None, "STAY at STAGE_2: no rule holds; PROGRESS to STAGE_3 would need trials 1 not ≥ 2", False),
        ("STAY", None, None, "STAY at STAGE_2: no rule holds; PROGRESS to STAGE_3 would need trials 3 not ≥ 2", True),
        ("STAY", None, None, "STAY at STAGE_2: no rule holds; ROLLBACK to STAGE_1 would need x 0.65 not ≥ 0.65", False),
        ("STAY", None, None, "STAY at STAGE_2: finished trials 351 ≥ 200", True),
        ("STAY", None, None, None, True),
    ],
)
def test_a_sentence_that_contradicts_its_decision_is_found(
    decision: str, rule: int | None, directive: str | None, sentence: str | None, is_wrong: bool
) -> None:
    found = contradiction(Sentence("1", 1, decision, "STAGE_2", "STAGE_2", rule, directive, sentence))
    assert (found is not None) == is_wrong, found


def test_the_command_prints_the_table_and_where_anything_is_wrong_fails_and_says_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CliRunner().invoke(command, ["--nights", "0", "--mice", "1", "--folder", str(tmp_path / "a")])
    assert done.exit_code == 0, done.output
    assert done.output.split() == ["kind", "told", "true", "wrong", "precision", "recall"]
    assert (tmp_path / "a/wrong.csv").read_text() == "day,kind,of,told,true\n"
    monkeypatch.setattr(judging.Judge, "wrong_kinds", {"told"})
    done = CliRunner().invoke(command, ["--nights", "0", "--mice", "1", "--folder", str(tmp_path / "b")])
    assert done.exit_code == 1
    assert done.output.endswith(f"what was wrong: {tmp_path / 'b/wrong.csv'}\n")
    refused = CliRunner().invoke(command, ["--nights", "-1"])
    assert "-1 is not in the range" in refused.output


def test_a_lab_is_not_lived_over_another(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with pytest.raises(LakeError, match="Name another folder"):
        live(World(mice=1, nights=1), tmp_path, lambda _: "")
