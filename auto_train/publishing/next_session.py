"""What each rig needs in the morning, in one JSON file: of every mouse the stage and all parameters with values."""

import json
from datetime import date
from typing import Any

from auto_train.lake import Settings
from auto_train.publishing.manifest import NEXT_SESSION, Run
from curricula.library import load_named
from curricula.schema import Curriculum

SCHEMA = "next_session/1"
KEY = ("curriculum_name", "curriculum_version", "curriculum_schema_version")


def of_run(database: Any, settings: Settings, run_id: str, training_day: date) -> dict[str, bytes]:
    """The file of the run whose tables these are, by its path below the lake."""
    found = database.execute("""
        select n.subject_id, n.session, n.curriculum_name, n.curriculum_version, n.curriculum_schema_version,
            n.next_stage_suggested, n.decision, m.next_parameters, m.directive, s.sentence
        from marts.next_session as n
        inner join marts.df_manager as m on n.subject_id = m.subject_id and n.session = m.session
        left join marts.decision_sentences as s
            on n.subject_id = s.subject_id and n.session = s.session and s.nth_newest = 1
        order by n.subject_id
    """)
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    library = {curriculum.key: curriculum for curriculum in load_named({(row[KEY[0]], row[KEY[1]]) for row in rows})}
    document = {
        "schema": SCHEMA,
        "manager": settings.manager,
        "run_id": run_id,
        "training_day": training_day.isoformat(),
        "mice": {row["subject_id"]: _mouse(row, library) for row in rows},
    }
    return {settings.published(NEXT_SESSION, "json"): _as_json(document)}


def again(content: bytes, settings: Settings, run: Run) -> bytes:
    """The file as a run publishes it again that decided nothing itself: a rollback, or under another manager's name."""
    document = json.loads(content) | {"manager": settings.manager, "run_id": run.id}
    if run.training_day:
        document["training_day"] = run.training_day.isoformat()
    if run.rolled_back_to:
        document["rolled_back_to"] = run.rolled_back_to
    return _as_json(document)


def _as_json(document: dict[str, Any]) -> bytes:
    """A mouse a line: each can be found and compared, and of 200,000 mice it takes a third of the time of indenting."""
    text = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    head = "".join(f" {text(name)}: {text(value)},\n" for name, value in document.items() if name != "mice")
    mice = ",\n".join(f"  {text(subject_id)}: {text(mouse)}" for subject_id, mouse in document["mice"].items())
    return f'{{\n{head} "mice": {{\n{mice}\n }}\n}}\n'.encode()


def _mouse(row: dict[str, Any], library: dict[tuple[str, str, str], Curriculum]) -> dict[str, Any]:
    name, version, schema_version = (row[column] for column in KEY)
    curriculum, stage = library.get((name, version, schema_version)), row["next_stage_suggested"]
    return {
        "session": row["session"],
        "curriculum": {"name": name, "version": version, "schema_version": schema_version},
        "stage": stage,
        # a curriculum that the library lacks, or a stage without parameters: whoever reads it must decide
        "parameters": parameters(curriculum, stage, row["next_parameters"]),
        "decision": row["decision"],
        "sentence": row["sentence"],
        "directive": row["directive"],
    }


def parameters(curriculum: Curriculum | None, stage: str, next_parameters: str | None) -> dict[str, Any] | None:
    """The stage's own values, and in their place what its policies gave."""
    if curriculum is None or stage not in curriculum.stages:
        return None
    given: dict[str, Any] = json.loads(next_parameters or "{}")
    return curriculum.stages[stage].values | given
