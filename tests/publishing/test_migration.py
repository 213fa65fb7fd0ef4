"""Pickles: what rigs of old read, and the existing system's state brought over; real pandas 2 on the other side."""

import io
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy._core.multiarray import _reconstruct, scalar
from numpy._core.numeric import _frombuffer

from auto_train.lake import Folder, Settings
from auto_train.publishing import migration as migrate
from tests import pickles
from tests.conftest import Project
from tests.mice import GOOD_MOUSE

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
    migration = ("-m", "scripts", "migrate", pickles[0], "--df-sessions", pickles[1])
    done = project.command(*migration)
    assert done.returncode == 0, done.stderr
    left_out = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if line.startswith("left out")]
    assert left_out == [
        "subject 'test', session 1.0: readers take no such subject id",
        "subject '700001', session nan: the session number is not a whole number from 0 up",
        "subject '700003', session 1.5: the session number is not a whole number from 0 up",
        "subject '700004', session 1.0: next_stage_suggested is not a stage",
        "subject '700001', session 1.0: a later row has the same session",
    ]
    assert project.command("-m", "scripts", "status").returncode == 0
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
        done = project.command("-m", "scripts", "migrate", str(path))
        assert done.returncode == 2
        assert "refused" in done.stderr
    assert not trap.exists()
    assert not list(project.lake.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps([1, 2]), pickle.dumps(PLAIN_TABLE)])
def test_what_is_no_df_manager_is_a_clear_error(content: bytes, tmp_path: Path, project: Project) -> None:
    (tmp_path / "some.pkl").write_bytes(content)
    done = project.command("-m", "scripts", "migrate", str(tmp_path / "some.pkl"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    clear = ("cannot be read as a pickled table", ", not a table", "is not a df_manager")
    assert any(words in done.stderr for words in clear), done.stderr


def decision(subject_id: object = "700001", session: object = 1.0, **others: object) -> dict[str, object]:
    stages = {"current_stage_actual": "STAGE_1", "next_stage_suggested": "STAGE_2"}
    return {"subject_id": subject_id, "session": session, "curriculum_name": "Coupled Baiting", **stages, **others}


def test_a_decision_comes_over_unless_readers_could_not_take_it() -> None:
    good = [decision(), decision("00042", 0), decision(42, "3")]
    bad = [
        (decision("7a"), "readers take no such subject id"),
        (decision("700002", -1), "the session number is not a whole number from 0 up"),
        (decision("700002", None), "the session number is not a whole number from 0 up"),
        (decision("700002", 0.5), "the session number is not a whole number from 0 up"),
        (decision("700002", current_stage_actual="Stage 1"), "current_stage_actual is not a stage"),
        (
            decision("700002", current_stage_actual=None, next_stage_suggested=None),
            "current_stage_actual is not a stage",
        ),
        (decision("700002", next_stage_suggested="STAGE_9"), "next_stage_suggested is not a stage"),
    ]
    kept, left_out = migrate.clean(pd.DataFrame([row for row, _ in bad] + good))
    assert list(zip(kept["subject_id"], kept["session"], strict=True)) == [("700001", 1), ("00042", 0), ("42", 3)]
    assert [line.split(": ", 1)[1] for line in left_out] == [reason for _, reason in bad]


def test_of_several_decisions_of_a_session_the_last_good_one_comes_over() -> None:
    rows = [decision(decision=of) for of in ("STAY", "ROLLBACK", "PROGRESS")]
    rows += [decision(session=2, decision="STAY"), decision(session=2, current_stage_actual="no")]
    kept, left_out = migrate.clean(pd.DataFrame(rows))
    assert kept["decision"].tolist() == ["PROGRESS", "STAY"]
    assert len(left_out) == 3


@pytest.mark.parametrize(
    "column", ["subject_id", "session", "current_stage_actual", "next_stage_suggested", "curriculum_name"]
)
def test_a_table_without_a_needed_column_is_no_df_manager(column: str) -> None:
    with pytest.raises(migrate.MigrationError, match=f"it has no {column}"):
        migrate.clean(pd.DataFrame([decision()]).drop(columns=column))


def test_decisions_get_the_types_of_a_published_df_manager(tmp_path: Path) -> None:
    rows = [
        decision(
            "9", 2, if_closed_loop=1.0, if_overriden_by_trainer=None, session_date=pd.Timestamp("2024-01-02 09:30")
        ),
        decision("9", 1, if_closed_loop=True, if_overriden_by_trainer="True", finished_trials="310"),
        decision("10", 7, if_closed_loop="None", if_overriden_by_trainer=0.0, foraging_efficiency="none"),
    ]
    kept, _ = migrate.clean(pd.DataFrame(rows))
    path = tmp_path / "df_manager.parquet"
    path.write_bytes(migrate.df_manager_parquet(kept, "a run", datetime(2026, 1, 1, tzinfo=UTC)))
    found = duckdb.sql(f"""
        select subject_id, session, session_date, if_closed_loop, if_overriden_by_trainer, finished_trials,
            foraging_efficiency, run_id, first_published_at::varchar from '{path}'
    """)
    assert [str(kind) for kind in found.types] == [
        "VARCHAR", "BIGINT", "VARCHAR", "BOOLEAN", "BOOLEAN", "DOUBLE", "DOUBLE", "VARCHAR", "VARCHAR"
    ]  # fmt: skip
    night = ("a run", "2026-01-01 00:00:00")
    assert found.fetchall() == [
        ("10", 7, None, False, False, None, None, *night),
        ("9", 1, None, True, True, 310.0, None, *night),
        ("9", 2, "2024-01-02", True, False, None, None, *night),
    ]


def test_tables_with_an_index_and_two_levels_of_columns_become_plain() -> None:
    index = pd.MultiIndex.from_tuples([("7", 1), ("7", 2)], names=["subject_id", None])
    two_levels = [("metadata", "session"), ("metadata", "task"), ("copy", "task")]
    table = pd.DataFrame([[1, "a", "x"], [2, "b", "y"]], index=index, columns=pd.MultiIndex.from_tuples(two_levels))
    flat = migrate.flat(table)
    assert flat.to_dict("list") == {"subject_id": ["7", "7"], "session": [1, 2], "task": ["a", "b"]}
    # a column of the name of an index level counts
    again = flat.assign(subject_id=["8", "9"]).set_index(pd.Index(["7", "7"], name="subject_id"))
    assert migrate.flat(again)["subject_id"].tolist() == ["8", "9"]


def test_columns_of_mixed_kinds_become_texts_and_what_is_missing_stays_so(tmp_path: Path) -> None:
    mixed = pd.Series([1, "two", None, float("nan"), True], dtype=object)
    path = tmp_path / "table.parquet"
    path.write_bytes(migrate.as_parquet(pd.DataFrame({"mixed": mixed, "number": [1.5, None, 2, 3, 4]})))
    assert duckdb.sql(f"select mixed, number from '{path}'").fetchall() == [
        ("1", 1.5), ("two", None), (None, 2.0), (None, 3.0), ("True", 4.0)
    ]  # fmt: skip


def test_nothing_is_changed_where_something_is_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_LAKE", str(tmp_path / "lake"))
    pickled = tmp_path / "some.pkl"
    row = decision()
    # as pandas 2 has them
    table = pd.DataFrame([list(row.values())], columns=pd.Index(row, dtype=object), dtype=object)
    pickled.write_bytes(pickle.dumps(table))
    now, settings = datetime(2026, 1, 1, tzinfo=UTC), Settings.from_environment()
    elsewhere = replace(settings, df_behavior="elsewhere.parquet")
    with pytest.raises(migrate.MigrationError, match="unset AUTO_TRAIN_DF_BEHAVIOR"):
        migrate.migrate(elsewhere, pickled, pickled, now)
    lake = Folder(settings.lake)
    assert lake.paths("") == []
    lake.publish(io.BytesIO(b"a table"), "df_behavior.parquet")
    with pytest.raises(migrate.MigrationError, match=r"df_behavior\.parquet is there already; nothing was changed"):
        migrate.migrate(settings, pickled, pickled, now)
    assert (lake.paths(""), lake.read("df_behavior.parquet")) == (["df_behavior.parquet"], b"a table")
    lake.remove("df_behavior.parquet")
    lake.publish(io.BytesIO(b"published"), settings.published("df_manager"))
    with pytest.raises(migrate.MigrationError, match="has a df_manager of demo already; nothing was changed"):
        migrate.migrate(settings, pickled, pickled, now)
    assert lake.paths("") == [settings.published("df_manager")]


def test_tables_of_this_pandas_come_whole_out_of_every_protocol(tmp_path: Path) -> None:
    path = tmp_path / "table.pkl"
    for content in pickles.originals():
        path.write_bytes(content)
        pd.testing.assert_frame_equal(migrate.read_pickle(path), pickle.loads(content))


def test_damaged_pickles_end_in_an_error_of_ours(project: Project) -> None:
    done = project.command("-m", "tests.pickles", "1", "300")
    assert done.returncode == 0, done.stderr[-500:]
    assert "'read'" in done.stdout
    assert "'refused'" in done.stdout


def dangerous() -> list[tuple[object, ...]]:
    """Calls and states that would make pointers out of bytes, or change what reads them."""
    pointers = np.arange(4, dtype="i8").tobytes()
    objects, structured = np.dtype("O"), np.dtype([("a", "O")])
    rebuilt = (np.ndarray, (0,), b"b")
    return [
        (np.ndarray, ((4,), objects, pointers)),
        (np.ndarray, ((4,), "i8", pointers)),
        (_reconstruct, rebuilt, (1, (4,), objects, False, pointers)),
        (_reconstruct, rebuilt, (1, (2**62,), np.dtype("i8"), False, pointers)),
        (_reconstruct, rebuilt, (1, (2**40,), objects, False, [None])),
        (_reconstruct, rebuilt, (1, (2,), structured, False, pointers)),
        (_frombuffer, (pointers, objects, (4,), "C")),
        (scalar, (objects, pointers[:8])),
        (np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (objects, 0)}, 8, 8, 0)),
        (np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0)),
        (np.dtype, ("f8,O",)),
        (bytearray, (2**50,)),
        (getattr, (pd.DataFrame, "eval")),
    ]


def test_a_pickle_that_makes_pointers_out_of_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.pkl"
    for call in dangerous():
        path.write_bytes(pickle.dumps(_Hostile(call)))
        with pytest.raises(migrate.MigrationError, match=r"refused|not a table|cannot be read"):
            migrate.read_pickle(path)


@pytest.mark.parametrize("error", [MemoryError, LookupError, RecursionError, OverflowError, pa.ArrowInvalid])
def test_whatever_goes_wrong_with_a_pickle_is_one_line(error: type[Exception], tmp_path: Path) -> None:
    line = f"cannot be read as a pickled table: {error.__name__} two lines$"
    with pytest.raises(migrate.MigrationError, match=line), migrate._explaining(tmp_path / "table.pkl"):
        raise error("two\nlines")


def test_what_crashes_pandas_crashes_another_process_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(migrate.MigrationError, match=r"crashes pandas \(1\)"):
        migrate.rehearse(tmp_path / "table.pkl")
