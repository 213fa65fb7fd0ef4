"""Models on a few rows made by hand: dbt's unit tests, which stand beside the models, and what those cannot reach."""

import pytest

from tests.conftest import Project

pytestmark = pytest.mark.xdist_group("models")


def test_every_unit_test_of_a_model_passes(small_lab: Project) -> None:
    succeeded, problems = small_lab.dbt("test", "--select", "test_type:unit", *small_lab.QUICK, "--no-use-colors")
    assert succeeded, problems
