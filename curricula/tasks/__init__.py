"""The tasks that curricula can be written for. Adding one: a module with a `TASK` beside this file, named here."""

from curricula.tasks import choice_world, dummy, dynamic_foraging, vr_foraging
from curricula.tasks.base import Metric, Parameters, Task
from curricula.tasks.rig_stages import StageName

TASKS: dict[str, Task] = {
    module.TASK.name: module.TASK for module in (dynamic_foraging, vr_foraging, choice_world, dummy)
}

__all__ = ["TASKS", "Metric", "Parameters", "StageName", "Task"]
