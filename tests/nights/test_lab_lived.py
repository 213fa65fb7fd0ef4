"""Ten nights of a small simulated lab: what people are told is held against what is true."""

from collections.abc import Mapping
from pathlib import Path

from auto_train.lab.nights import live
from auto_train.lab.world import STORIES, World
from tests.conftest import Project

# of these nothing may be told at all
NEVER_TRUE = {"attention: other reasons", "attention: mice that are gone"}


def test_ten_nights_of_a_lab_tell_nothing_wrong(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.is_tested = False

    def night(settings: Mapping[str, str]) -> str:
        """A night without its data tests, which are not the matter here and would double the time."""
        project.environment |= settings
        Path(settings["AUTO_TRAIN_DATABASE"]).unlink(missing_ok=True)
        published, problem = project.dbt(
            "build", *Project.QUICK, "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"
        )
        return "" if published else problem or "dbt says nothing"

    world = World(seed=4, mice=len(STORIES), nights=10)
    judge = live(world, tmp_path / "lab", night, database=project.environment["AUTO_TRAIN_DATABASE"])
    print(judge.table())
    assert judge.wrong_kinds == set()
    assert {kind for kind, score in judge.scores.items() if not score.true} == NEVER_TRUE
