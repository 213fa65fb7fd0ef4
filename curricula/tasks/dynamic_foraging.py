"""Dynamic foraging: a mouse licks left or right for water whose probability changes in blocks.

Parameters are those of the rigs' GUI, whose widgets carry the same names; units follow its manual: times of delays and
inter-trial intervals in seconds, session length in minutes, water in microlitres, block lengths in trials.
"""

from typing import Literal

from curricula.tasks.base import Metric, Parameters, Task

ForagingTask = Literal["Coupled Baiting", "Uncoupled Baiting", "Coupled Without Baiting", "Uncoupled Without Baiting"]


class ForagingParameters(Parameters):
    """What the rigs of every schema version take."""

    task: ForagingTask
    task_schema_version: str

    # Reward: the sum of both probabilities, the family and number of ratio pairs, or the uncoupled probabilities
    BaseRewardSum: float
    RewardFamily: int
    RewardPairsN: int
    UncoupledReward: str
    Randomness: Literal["Exponential", "Even"]

    # Block length in trials
    BlockMin: int
    BlockMax: int
    BlockBeta: int
    BlockMinReward: int

    # Delay before the go cue, and of the reward, in seconds
    DelayMin: float
    DelayMax: float
    DelayBeta: float
    RewardDelay: float

    # Free water after so many unrewarded or ignored trials
    AutoReward: bool
    AutoWaterType: Literal["Natural", "Both", "High pro"]
    Multiplier: float
    Unrewarded: int
    Ignored: int

    # Inter-trial interval in seconds
    ITIMin: float
    ITIMax: float
    ITIBeta: float
    ITIIncrease: float

    # Response in seconds; the session stops after so many ignored trials
    ResponseTime: float
    RewardConsumeTime: float
    StopIgnores: int

    # Block switches that wait for the mouse
    AdvancedBlockAuto: Literal["off", "now", "once"]
    SwitchThr: float
    PointsInARow: int

    # Session length in trials and minutes
    MaxTrial: int
    MaxTime: int

    # Water per reward in microlitres
    RightValue_volume: float
    LeftValue_volume: float


class ForagingParametersV03(ForagingParameters):
    """Schema 0.3: with the water valves' opening times and the switches that later schemas leave to the rig."""

    RightValue: float
    LeftValue: float
    NextBlock: bool
    GiveLeft: bool
    GiveRight: bool
    GiveWaterL: float
    GiveWaterR: float
    GiveWaterL_volume: float
    GiveWaterR_volume: float
    IncludeAutoReward: bool
    SaveTraining: bool
    InitiallyInactiveN: int


class ForagingParametersV10(ForagingParameters):
    """Schema 1.0: with the warm-up at the start of a session."""

    task_url: str = "https://github.com/AllenNeuralDynamics/dynamic-foraging-task"
    task_schema_version: str = "1.1.0"

    # Warm-up: its switch, and the trials, side bias and finish ratio that end it, over a window of trials
    warmup: Literal["on", "off"]
    warm_min_trial: int
    warm_max_choice_ratio_bias: float
    warm_min_finish_ratio: float
    warm_windowsize: int


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
)
