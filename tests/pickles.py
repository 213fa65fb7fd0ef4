"""Damaged pickles: ``python -m tests.pickles SEED COUNT`` reads so many and counts how each ended."""

import pickle
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd

from auto_train.publishing import migration


def originals() -> list[bytes]:
    """Tables as several versions of pandas and of pickle write them."""
    columns = {
        "subject_id": ["1", "2", "3"], "session": [1.0, 2.0, None], "flag": [True, False, True],
        "date": pd.to_datetime(["2024-01-01", "2024-01-02", None]), "mixed": pd.Series([1, "a", None], dtype=object),
        "whole": pd.array([1, 2, None], dtype="Int64"), "kind": pd.Categorical(["a", "b", "a"]),
        "zoned": pd.to_datetime(["2024-01-01"] * 3).tz_localize("US/Pacific"),
    }  # fmt: skip
    plain = pd.DataFrame(columns)
    of_old = plain.astype({"subject_id": object})
    of_old.columns = pd.Index(list(columns), dtype=object)
    tables = [plain, of_old, plain.set_index(["subject_id", "session"])]
    return [pickle.dumps(table, protocol=protocol) for table in tables for protocol in (2, 4, 5)]


def of_the_existing_pipeline(sessions: pd.DataFrame, *, session_is_a_level: bool = False) -> pd.DataFrame:
    """Sessions as the existing pipeline keeps them, with a second file of each mouse's last day that has no number."""
    groups = {
        "task": "metadata",
        "session": "metadata",
        "foraging_eff": "session_stats",
        "finished_trials": "session_stats",
    }
    again = sessions.drop_duplicates("subject_id", keep="last").assign(session=float("nan"), finished_trials=1)
    table = pd.concat([sessions.assign(nwb_suffix=90000), again.assign(nwb_suffix=100000)]).astype({"session": float})
    index = ["subject_id", "session_date", "nwb_suffix"] + ["session"] * session_is_a_level
    table = table.sort_values(index[:3]).set_index(index)
    table.columns = pd.MultiIndex.from_tuples([(groups.get(name, "auto_train"), name) for name in table.columns])
    return table


def nested(depth: int) -> list:
    """A list that is small as a pickle, and as a text ten times longer with each level."""
    made: list = ["x" * 500] * 10
    for _ in range(depth):
        made = [made] * 10
    return made


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The pickle with bytes changed, removed, repeated, or taken from elsewhere in it."""
    out = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at, length = chance.randrange(len(out)), chance.randrange(1, 9)
        kind = chance.randrange(5)
        if kind == 0:
            out[at] = chance.randrange(256)
        elif kind == 1:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = out[at : at + length]
        else:
            start = chance.randrange(len(out))
            out[at : at + length] = out[start : start + length]
        if not out:
            break
    return bytes(out)


def main(seed: int, count: int) -> None:
    """Read damaged pickles; anything but a table or a `MigrationError` ends this with a traceback, or a signal."""
    chance, ended = random.Random(seed), Counter[str]()
    whole = originals()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.pkl")
        for _ in range(count):
            path.write_bytes(damaged(chance.choice(whole), chance))
            try:
                with migration._explaining(path):
                    migration.as_parquet(migration.flat(migration.read_pickle(path)))
                ended["read"] += 1
            except migration.MigrationError as error:
                ended["refused" if "refused" in str(error) else "cannot be read"] += 1
    print(dict(ended))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
