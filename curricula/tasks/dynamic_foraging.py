"""Dynamic foraging: a mouse licks left or right for water whose probability changes in blocks.

Parameters are those of the rigs' GUI, whose widgets carry the same names; units follow its manual: times of delays and
inter-trial intervals in seconds, session length in minutes, water in microlitres, block lengths in trials.
"""

from typing import Annotated, Literal

from pydantic import Field

from curricula.tasks.base import Metric, Parameters, Task
from curricula.tasks.rig_stages import RIG_STAGES

# what is physically sure, and no more: a curriculum may try what nobody tried
Amount = Annotated[float, Field(ge=0)]
"""A time, a volume or a factor."""
Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
"""A probability or a ratio."""

ForagingTask = Literal["Coupled Baiting", "Uncoupled Baiting", "Coupled Without Baiting", "Uncoupled Without Baiting"]


class ForagingParameters(Parameters):
    """What the rigs of every schema version take."""

    task: ForagingTask
    task_schema_version: str

    # Reward: the sum of both probabilities, the family and number of ratio pairs, or the uncoupled probabilities
    BaseRewardSum: Amount
    RewardFamily: Count
    RewardPairsN: Count
    UncoupledReward: str
    Randomness: Literal["Exponential", "Even"]

    # Block length in trials
    BlockMin: Count
    BlockMax: Count
    BlockBeta: Count
    BlockMinReward: Count

    # Delay before the go cue, and of the reward, in seconds
    DelayMin: Amount
    DelayMax: Amount
    DelayBeta: Amount
    RewardDelay: Amount

    # Free water after so many unrewarded or ignored trials
    AutoReward: bool
    AutoWaterType: Literal["Natural", "Both", "High pro"]
    Multiplier: Amount
    Unrewarded: Count
    Ignored: Count

    # Inter-trial interval in seconds
    ITIMin: Amount
    ITIMax: Amount
    ITIBeta: Amount
    ITIIncrease: float

    # Response in seconds; the session stops after so many ignored trials
    ResponseTime: Amount
    RewardConsumeTime: Amount
    StopIgnores: Count

    # Block switches that wait for the mouse
    AdvancedBlockAuto: Literal["off", "now", "once"]
    SwitchThr: Fraction
    PointsInARow: Count

    # Session length in trials and minutes
    MaxTrial: Count
    MaxTime: Count

    # Water per reward in microlitres
    RightValue_volume: Amount
    LeftValue_volume: Amount


class ForagingParametersV03(ForagingParameters):
    """Schema 0.3: with the water valves' opening times and the switches that later schemas leave to the rig."""

    RightValue: Amount
    LeftValue: Amount
    NextBlock: bool
    GiveLeft: bool
    GiveRight: bool
    GiveWaterL: Amount
    GiveWaterR: Amount
    GiveWaterL_volume: Amount
    GiveWaterR_volume: Amount
    IncludeAutoReward: bool
    SaveTraining: bool
    InitiallyInactiveN: Count


class ForagingParametersV10(ForagingParameters):
    """Schema 1.0: with the warm-up at the start of a session."""

    task_url: str = "https://github.com/AllenNeuralDynamics/dynamic-foraging-task"
    task_schema_version: str = "1.1.0"

    # Warm-up: its switch, and the trials, side bias and finish ratio that end it, over a window of trials
    warmup: Literal["on", "off"]
    warm_min_trial: Count
    warm_max_choice_ratio_bias: Fraction
    warm_min_finish_ratio: Fraction
    warm_windowsize: Count


TASK = Task(
    name="dynamic_foraging",
    curriculum_schema_name="DynamicForagingCurriculum",
    parameters={"0.3": ForagingParametersV03, "1.0": ForagingParametersV10},
    metrics=(
        Metric(
            "finished_trials",
            ("finished_trials",),
            "trials",
            "Trials in which the mouse chose a side.",
            lowest=0,
            plausible=(0, 2000),
        ),
        Metric(
            "foraging_efficiency",
            ("foraging_efficiency", "foraging_eff"),
            "1",
            "Reward rate relative to that of an optimal forager; above 1 for a lucky mouse.",
            lowest=0,
            plausible=(0, 1),
        ),
    ),
    stages=RIG_STAGES,
)
