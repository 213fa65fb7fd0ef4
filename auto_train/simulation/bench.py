"""Time and memory of the whole `dbt build` on simulated mice, as ratios to the floor measured in the same run.

The floor is DuckDB alone, in a process of its own with the same threads, reading df_behavior and writing a table as
large as df_manager.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from auto_train.simulation.mice import simulate, write

SESSIONS_PER_MOUSE = 50
FLOOR = """
import duckdb, sys
behavior, out = sys.argv[1:]
duckdb.sql("set preserve_insertion_order = false")
duckdb.sql(f'''
    copy (
        select
            subject_id, session_date, try_cast(session as bigint) as session, task, curriculum_name, curriculum_version,
            curriculum_schema_version, curriculum_name || curriculum_version as curriculum_json_name,
            1::bigint as session_at_current_stage, foraging_eff as foraging_efficiency,
            finished_trials::double as finished_trials, current_stage_actual as current_stage_suggested,
            current_stage_actual, 'STAY' as decision, current_stage_actual as next_stage_suggested,
            true as if_closed_loop, false as if_overriden_by_trainer, 1 as matched_rule
        from '{behavior}'
    ) to '{out}' (format parquet, compression zstd)
''')
"""


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall time in seconds and peak resident memory in GB of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    if sys.platform == "win32":
        status, memory = process.wait(), math.nan  # which keeps no record of the peak
    else:
        _, status, usage = os.wait4(process.pid, 0)
        memory = usage.ru_maxrss / 1e6
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"failed: {' '.join(command)[:200]}")
    return seconds, memory


def measure(sessions: int, seed: int) -> dict[str, float]:
    """One size: simulate, then the floor before and after the build, of which the mean counts."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        lake = Path(folder, "lake")
        behavior = lake / "df_behavior.parquet"
        mice = max(1, sessions // SESSIONS_PER_MOUSE)
        rows = write(simulate(mice, SESSIONS_PER_MOUSE, seed, date(2026, 1, 31)), behavior)
        environment = {"AUTO_TRAIN_LAKE": str(lake), "AUTO_TRAIN_DATABASE": f"{folder}/bench.duckdb"}
        places = ["--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"]
        dbt = str(Path(sys.executable).with_name("dbt"))
        floor_command = [sys.executable, "-c", FLOOR, str(behavior), f"{folder}/floor.parquet"]
        before, _ = timed(floor_command, {})
        start, _ = timed([dbt, "parse", "--quiet", "--no-partial-parse", *places], environment)
        seconds, memory = timed([dbt, "build", "--quiet", *places], environment)
        after, _ = timed(floor_command, {})
        second_night, _ = timed([dbt, "build", "--quiet", *places], environment)
        return {
            "sessions": rows,
            "seconds": seconds,
            "memory": memory,
            "start": start,
            "floor": (before + after) / 2,
            "second_night": second_night,
        }


HEADER = "  sessions  build s  sessions/s  peak GB  dbt's start s  floor s  (build - start) / floor  next night s"


def row(m: dict[str, float]) -> str:
    """A measurement as a line below `HEADER`."""
    return (
        f"{m['sessions']:>10,} {m['seconds']:>8.1f} {m['sessions'] / m['seconds']:>11,.0f} {m['memory']:>8.2f}"
        f" {m['start']:>14.1f} {m['floor']:>8.2f} {(m['seconds'] - m['start']) / m['floor']:>24.1f}"
        f" {m['second_night']:>13.1f}"
    )
