"""The stages that the rigs of dynamic foraging know, by name and label; their curricula can have no others."""

from enum import StrEnum


class StageName(StrEnum):
    """Stages in the order of training. `GRADUATED` absorbs."""

    STAGE_1_WARMUP = "STAGE_1_WARMUP"
    STAGE_1 = "STAGE_1"
    STAGE_2 = "STAGE_2"
    STAGE_3 = "STAGE_3"
    STAGE_4 = "STAGE_4"
    STAGE_5 = "STAGE_5"
    STAGE_FINAL = "STAGE_FINAL"
    GRADUATED = "GRADUATED"

    @property
    def label(self) -> str:
        """As the rigs' curriculum JSON calls the stage, e.g. ``Stage 1 w/warmup``."""
        return "Stage 1 w/warmup" if self is StageName.STAGE_1_WARMUP else self.value.replace("_", " ").capitalize()

    @property
    def position(self) -> int:
        """Place in the order of training, from 1."""
        return list(StageName).index(self) + 1


RIG_STAGES = {stage.value: stage.label for stage in StageName}
"""Label of each stage by its name, in the order of training; the last one is the end."""
