"""A task with two parameters and two metrics: the shortest example of one, and the proof that a second one works."""

from typing import Literal

from curricula.tasks.base import Metric, Parameters, Task
from curricula.tasks.rig_stages import RIG_STAGES


class DummyParameters(Parameters):
    """Parameters of the dummy task."""

    task: Literal["Dummy task"] = "Dummy task"
    task_url: str = ""
    task_schema_version: str = "0.1"
    dummy_para_bool: bool
    dummy_para_float: float


TASK = Task(
    name="dummy",
    curriculum_schema_name="DummyTaskCurriculum",
    parameters={"1.0": DummyParameters},
    metrics=(
        Metric("dummy_metric_int", ("dummy_metric_int",), "count", "A whole number that stands for a count."),
        Metric("dummy_metric_float", ("dummy_metric_float",), "1", "A number that stands for a performance."),
    ),
    stages=RIG_STAGES,
)
