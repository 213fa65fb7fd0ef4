"""Hand-made mice that tests of many kinds put into df_behavior."""

from tests.conftest import Project

GOOD_MOUSE = """
select
    '700001' as subject_id,
    '2024-01-0' || n as session_date,
    n::double as session,
    'Coupled Baiting' as task,
    'Coupled Baiting' as curriculum_name,
    '2.3' as curriculum_version,
    '1.0' as curriculum_schema_version,
    null::varchar as current_stage_actual,
    0.65::double as foraging_eff,
    250::double as finished_trials
from range(1, 4) as sessions (n)
"""
ITS_STAGES = ["STAGE_2", "STAGE_2", "STAGE_2"]


def mouse(subject_id: str = "700002", **columns: str) -> str:
    """SQL of one session like the good mouse's first one, with other values (as SQL) in some columns."""
    changes = ", ".join(f"{value} as {name}" for name, value in {"subject_id": f"'{subject_id}'", **columns}.items())
    return f"select * replace ({changes}) from ({GOOD_MOUSE}) where session = 1"


def good_mouse_is_decided(project: Project) -> bool:
    return [stage for (stage,) in project.df_manager("next_stage_suggested", "subject_id = '700001'")] == ITS_STAGES
