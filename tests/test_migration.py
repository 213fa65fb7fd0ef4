"""Pickles: what rigs of old read, and the existing system's state brought over; real pandas 2 on the other side."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts import migrate
from tests.conftest import Project
from tests.test_bad_input import GOOD_MOUSE

ENVIRONMENTS = {"pandas 2.3.3": ("pandas==2.3.3", "numpy>=2,<3"), "pandas 2.2.2": ("pandas==2.2.2", "numpy==1.26.4")}
WHAT_A_RIG_DOES = """
import json, sys, numpy, pandas
df = pandas.read_pickle(sys.argv[1])
mine = df.query("subject_id == '700001'")
newest = mine[mine.session == mine.session.max()].iloc[0]
print(json.dumps({
    "pandas": pandas.__version__, "numpy": numpy.__version__, "next": newest.next_stage_suggested,
    "columns": list(df.columns), "types": {c: str(t) for c, t in df.dtypes.items()}, "rows": len(df),
    "closed": int((df["if_closed_loop"] == True).sum()), "session": int(newest.session),
    "missing": [str(v) for v in df["session_date"][df["session_date"].isna()]], "index": str(df.columns.dtype),
}))
"""
WRITE_AS_THE_EXISTING_SYSTEM = """
import datetime, sys, numpy as np, pandas as pd
stages = ["STAGE_1", "STAGE_2", "STAGE_3"]
rows = [dict(
    subject_id=subject, session_date="2024-01-0%d" % n, session=float(n), task="Coupled Baiting",
    curriculum_name="Coupled Baiting", curriculum_version="2.3", curriculum_schema_version="1.0",
    session_at_current_stage=1, foraging_efficiency=0.66, finished_trials=310.0, current_stage_suggested=stages[n - 1],
    current_stage_actual=stages[n - 1], decision="STAY", next_stage_suggested=stages[n - 1], if_closed_loop=True,
    if_overriden_by_trainer=False,
) for subject in ("700001", "700002") for n in (1, 2, 3)]
bad = [dict(rows[0], subject_id="test"), dict(rows[0], session=np.nan), dict(rows[0], subject_id="700003", session=1.5),
       dict(rows[0], subject_id="700004", next_stage_suggested=None), dict(rows[0], finished_trials=1.0)]
pd.DataFrame(bad + rows).to_pickle(sys.argv[1])
index = pd.MultiIndex.from_tuples(
    [("700001", "2024-01-0%d" % n, 9000 + n) for n in range(1, 5)], names=["subject_id", "session_date", "nwb_suffix"])
sessions = pd.DataFrame({
    ("metadata", "session"): [1.0, 2.0, 3.0, 4.0], ("metadata", "task"): "Coupled Baiting",
    ("metadata", "session_start_time"):
        [pd.Timestamp("2024-01-01 09:00", tz="US/Pacific"), None, pd.NaT, datetime.datetime(2024, 1, 4)],
    ("auto_train", "curriculum_name"): "Coupled Baiting", ("auto_train", "curriculum_version"): "2.3",
    ("auto_train", "curriculum_schema_version"): "1.0", ("auto_train", "current_stage_actual"): stages + [None],
    ("auto_train", "if_overriden_by_trainer"): [True, 0.0, None, np.nan],
    ("session_stats", "finished_trials"): [310, 310, 310, 330],
    ("session_stats", "foraging_eff"): [0.66, 0.66, 0.66, 0.68],
}, index=index)
sessions.to_pickle(sys.argv[2])
"""


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ENVIRONMENTS]
)
def old_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with an old pandas."""
    folder = tmp_path_factory.mktemp("old")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--only-binary=:all:"]
    installed = subprocess.run([*command, *ENVIRONMENTS[request.param]], capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"{request.param} cannot be installed here: {installed.stderr.strip()[-300:]}")
    return python


def test_rigs_of_old_read_the_pickle(old_python: Path, project: Project) -> None:
    project.environment["AUTO_TRAIN_LEGACY_PICKLE"] = "yes"
    open_loop = GOOD_MOUSE.replace("700001", "700002").replace("'2024-01-0' || n", "null::varchar")
    closed = GOOD_MOUSE.replace("null::varchar as current_stage_actual", "'STAGE_2' as current_stage_actual")
    project.write_behavior(f"{closed} union all {open_loop}")
    project.decide()
    path = project.lake / "foraging_auto_training/df_manager_test.pkl"
    done = subprocess.run([old_python, "-c", WHAT_A_RIG_DOES, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["next"], read["session"], read["rows"], read["closed"]) == ("STAGE_2", 3, 6, 3)
    assert read["index"] == "object"
    assert read["missing"] == ["None"] * 3
    types = {"int64": ["session", "session_at_current_stage"], "float64": ["foraging_efficiency", "finished_trials"]}
    types["bool"] = ["if_closed_loop", "if_overriden_by_trainer"]
    assert {kind: sorted(c for c, t in read["types"].items() if t == kind) for kind in types} == {
        kind: sorted(columns) for kind, columns in types.items()
    }
    assert set(read["types"].values()) == {"object", *types}


def test_a_mouse_of_the_existing_system_goes_on_where_it_was(old_python: Path, project: Project) -> None:
    pickles = [str(project.folder / "df_manager.pkl"), str(project.folder / "df_sessions.pkl")]
    subprocess.run([old_python, "-c", WRITE_AS_THE_EXISTING_SYSTEM, *pickles], check=True)
    migration = ("-m", "scripts.migrate", pickles[0], "--df-sessions", pickles[1])
    done = project.command(*migration)
    assert done.returncode == 0, done.stderr
    left_out = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if line.startswith("left out")]
    assert left_out == [
        "subject 'test', session 1.0: readers take no such subject id",
        "subject '700001', session nan: the session number is no whole number from 0 up",
        "subject '700003', session 1.5: the session number is no whole number from 0 up",
        "subject '700004', session 1.0: next_stage_suggested is no stage",
        "subject '700001', session 1.0: a later row has the same session",
    ]
    assert project.command("-m", "scripts.publications", "status").returncode == 0
    assert "has a df_manager of test already; nothing was changed" in project.command(*migration).stderr
    project.decide()
    decided = project.df_manager("subject_id, session, current_stage_suggested, decision, next_stage_suggested")
    assert decided == [
        ("700001", 1, "STAGE_1", "STAY", "STAGE_1"),
        ("700001", 2, "STAGE_2", "STAY", "STAGE_2"),
        ("700001", 3, "STAGE_3", "STAY", "STAGE_3"),
        ("700001", 4, "STAGE_3", "STAY", "STAGE_3"),
        ("700002", 1, "STAGE_1", "STAY", "STAGE_1"),
        ("700002", 2, "STAGE_2", "STAY", "STAGE_2"),
        ("700002", 3, "STAGE_3", "STAY", "STAGE_3"),
    ]
    log = project.query("select count(*), count(distinct run_id) from marts.decision_log")
    assert log == [(7, 2)]
    behavior = duckdb.sql(f"describe from '{project.lake}/df_behavior.parquet'").fetchall()
    assert {("subject_id", "VARCHAR"), ("session", "DOUBLE"), ("foraging_eff", "DOUBLE")} <= {
        row[:2] for row in behavior
    }


PLAIN_TABLE = pd.DataFrame([[1]], columns=pd.Index(["x"], dtype=object))


class _Hostile:
    def __init__(self, call: tuple) -> None:
        self.call = call

    def __reduce__(self) -> tuple:
        return self.call


def test_a_pickle_that_would_run_anything_is_refused(tmp_path: Path, project: Project) -> None:
    trap = tmp_path / "trap"
    calls = [
        (eval, (f"open({str(trap)!r}, 'w')",)),
        (subprocess.call, (["touch", str(trap)],)),
        (pd.read_csv, (str(trap),)),
        (pd.eval, (f"open({str(trap)!r})",)),
    ]
    named = (r"builtins\.eval", r"subprocess\.call", r"pandas\.read_csv|pandas\.io", r"pandas\.eval|pandas\.core\.comp")
    for place, call in enumerate(calls):
        path = tmp_path / f"{place}.pkl"
        path.write_bytes(pickle.dumps(pd.Series([_Hostile(call)]).to_frame()))
        with pytest.raises(migrate.MigrationError, match=rf"the pickle asks for ({named[place]}).*refused"):
            migrate.read_pickle(path)
        done = project.command("-m", "scripts.migrate", str(path))
        assert done.returncode == 1
        assert "refused" in done.stderr
    assert not trap.exists()
    assert not list(project.lake.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps([1, 2]), pickle.dumps(PLAIN_TABLE)])
def test_what_is_no_df_manager_is_a_clear_error(content: bytes, tmp_path: Path, project: Project) -> None:
    (tmp_path / "some.pkl").write_bytes(content)
    done = project.command("-m", "scripts.migrate", str(tmp_path / "some.pkl"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    clear = ("cannot be read as a pickled table", "holds no table", "is no df_manager")
    assert any(words in done.stderr for words in clear), done.stderr
