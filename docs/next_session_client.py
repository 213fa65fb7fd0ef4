"""What a rig does in the morning: `python next_session_client.py next_session_447_demo.json 600001 [DAY]`."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any


def next_session(file: Path, subject: str, day: date) -> dict[str, Any]:
    """Stage and parameters of a mouse for a day; refuses what was decided for another day."""
    published = json.loads(file.read_text(encoding="utf-8"))
    if published["schema"] != "next_session/1":
        raise SystemExit(f"{file}: this client does not know the schema {published['schema']}")
    if published["training_day"] != day.isoformat():
        raise SystemExit(
            f"{file}: decided for {published['training_day']}, not for {day}: ask whether the night failed"
        )
    mouse: dict[str, Any] | None = published["mice"].get(subject)
    if mouse is None:
        raise SystemExit(f"{file}: there is no mouse {subject}")
    if mouse["parameters"] is None:
        raise SystemExit(f"{file}: {subject} is told {mouse['stage']}, which has no parameters: choose by hand")
    return mouse


if __name__ == "__main__":
    of_day = date.fromisoformat(sys.argv[3]) if len(sys.argv) > 3 else date.today()
    told = next_session(Path(sys.argv[1]), sys.argv[2], of_day)
    print(f"{told['stage']}: {told['sentence']}")
    for name, value in told["parameters"].items():
        print(f"  {name} = {value!r}")
