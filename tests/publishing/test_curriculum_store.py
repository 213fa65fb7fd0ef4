"""Curricula in a lake, a folder and S3 alike: only what is new is put there, and nothing is ever overwritten."""

import io
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from auto_train.lake import CURRICULA, Folder, Lake, LakeError, Settings, open_lake
from auto_train.publishing import curricula as curriculum_store
from curricula import exchange, releases
from curricula.library import LIBRARY, load, load_library
from tests import existing
from tests.conftest import Project, project_with
from tests.mice import GOOD_MOUSE, mouse

ALL = load_library()
NEWEST = load(LIBRARY / "coupled_baiting/v2.3.yml")


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return open_lake(settings.lake, settings)


def changed() -> str:
    document = json.loads(exchange.to_json(NEWEST))
    document["curriculum"]["Stage 1"]["transition_rules"][0]["condition"] = "lambda metrics: metrics.session_total > 1"
    return json.dumps(document)


def test_only_what_is_not_there_is_put_with_its_pictures_and_schema(lake: Lake) -> None:
    assert curriculum_store.publish(lake, [NEWEST]) == [curriculum_store.path_of(NEWEST)]
    name = "Coupled Baiting_curriculum_v2.3_schema_v1.0"
    assert [path.removeprefix(f"{CURRICULA}/") for path in lake.paths(CURRICULA)] == [
        f"{name}.json", f"{name}_paras.svg", f"{name}_rules.svg", "DynamicForagingCurriculum_v1.0.json",
    ]  # fmt: skip
    assert curriculum_store.publish(lake, [NEWEST]) == []
    assert [c.key for c in curriculum_store.in_lake(lake)] == [NEWEST.key]


def test_the_whole_library_goes_to_the_lake_and_comes_back_equal(lake: Lake) -> None:
    assert len(curriculum_store.publish(lake, ALL)) == len(ALL) >= 26
    hashes = {releases.file_key(c): releases.content_hash(c) for c in curriculum_store.in_lake(lake)}
    assert hashes == {releases.file_key(c): releases.content_hash(c) for c in ALL}


def test_other_content_under_a_released_name_is_refused_and_nothing_is_put(lake: Lake) -> None:
    path = curriculum_store.path_of(NEWEST)
    for other, problem in (
        (changed(), r"holds other content than Coupled Baiting 2\.3"),
        ("no json", r"can be read, and mice need Coupled Baiting 2\.3: this is not JSON"),
    ):
        lake.publish(io.BytesIO(other.encode()), path)
        with pytest.raises(curriculum_store.StoreError, match=problem):
            curriculum_store.publish(lake, ALL)
        assert lake.paths(CURRICULA) == [path]
        assert lake.read(path) == other.encode()


def test_a_curriculum_that_another_run_puts_meanwhile_is_left_and_must_be_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, put = curriculum_store.path_of(NEWEST), Folder.replace
    for others, problem in ((exchange.to_json(NEWEST), None), (changed(), "holds other content")):
        lake = Folder(str(tmp_path / str(problem)))

        def come_second(self: Folder, *of: object, text: str = others, **options: object) -> str | None:
            self.publish(io.BytesIO(text.encode()), path)
            return put(self, *of, **options)

        monkeypatch.setattr(Folder, "replace", come_second)
        with pytest.raises(curriculum_store.StoreError, match=problem) if problem else nullcontext():
            curriculum_store.publish(lake, [NEWEST])
        assert lake.read(path) == others.encode()


def test_a_curriculum_comes_and_goes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folder, "replace", lambda *of, **options: None)
    with pytest.raises(curriculum_store.StoreError, match="came and went meanwhile: run again"):
        curriculum_store.publish(Folder(str(tmp_path)), [NEWEST])


def test_where_the_json_of_a_curriculum_is_all_of_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, publish, put = Folder(str(tmp_path)), Folder.publish, []

    def fail_at_the_third(self: Folder, content: io.BytesIO, path: str) -> None:
        if len(put) == 2:
            raise LakeError("no space left")
        put.append(path)
        publish(self, content, path)

    monkeypatch.setattr(Folder, "publish", fail_at_the_third)
    with pytest.raises(LakeError):
        curriculum_store.publish(lake, [NEWEST])
    monkeypatch.undo()
    assert lake.paths(CURRICULA) == sorted(put)
    assert curriculum_store.path_of(NEWEST) not in put
    assert curriculum_store.in_lake(lake) == []
    assert curriculum_store.publish(lake, [NEWEST]) == [curriculum_store.path_of(NEWEST)]
    assert len(lake.paths(CURRICULA)) == 4


def test_a_version_that_only_the_lakes_schema_version_tells_apart_is_not_the_librarys(lake: Lake) -> None:
    name, version, schema = NEWEST.key
    keys = {(name, version, "9.9"), ("Nobody's", "1.0", "1.0"), (name, version, schema)}
    assert list(curriculum_store.publish_named_curricula(lake, keys)) == [curriculum_store.path_of(NEWEST)]
    assert curriculum_store.publish_named_curricula(lake, {(name, version, "9.9")}) == {}


def test_the_same_content_in_other_words_is_left_as_it_is(lake: Lake) -> None:
    words = exchange.to_json(NEWEST).replace('"curriculum_description": "', '"curriculum_description": "As ever. ')
    lake.publish(io.BytesIO(words.encode()), curriculum_store.path_of(NEWEST))
    assert curriculum_store.publish(lake, [NEWEST]) == []
    assert lake.read(curriculum_store.path_of(NEWEST)) == words.encode()


def test_a_lake_full_of_the_existing_systems_files_runs_a_night(project: Project) -> None:
    """Three of them are good; one is broken at its source, is named with its reason, and stops nothing."""
    by_key = {releases.file_key(c): c for c in ALL}
    folder = project.lake / CURRICULA
    folder.mkdir(parents=True)
    for key in ("coupled_baiting/v2.3", "uncoupled_baiting/v1.0", "uncoupled_without_baiting/v2.3.1rwdDelay159"):
        curriculum = by_key[key]
        (folder / exchange.file_name(curriculum)).write_text(existing.as_json(curriculum))
    broken = folder / exchange.file_name(by_key["dummy_task/v0.2"])
    document = existing.document(by_key["dummy_task/v0.2"])
    document["curriculum"]["Stage final"]["from_stage"] = "Stage 2"
    broken.write_text(json.dumps(document))
    schema = folder / "DynamicForagingCurriculum_v1.0.json"
    schema.write_text("the schema of the existing system")
    before = {path: path.read_bytes() for path in folder.iterdir()}

    older = mouse(curriculum_version="'1.0'")
    project.write_behavior(f"{GOOD_MOUSE} union all by name {older}")
    done = project.command("-m", "scripts", "nightly", *project.options[:4])
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        f"warning: no mouse needs it, but {CURRICULA}/{broken.name} cannot be read: "
        "Stage final: from_stage must be 'Stage final', not 'Stage 2'"
    ) in done.stdout.splitlines()
    assert {path: path.read_bytes() for path in before} == before
    assert (folder / "Coupled Baiting_curriculum_v1.0_schema_v1.0.json").exists()
    assert project.published().exists()

    listed = project.command("-m", "scripts", "curricula", "list", "--lake")
    assert listed.returncode == 2
    assert len(listed.stdout.splitlines()) == 4
    assert "from_stage must be 'Stage final'" in listed.stderr
    needed = Folder(str(project.lake))
    with pytest.raises(
        curriculum_store.StoreError, match=r"mice need Dummy task 0\.2: Stage final: from_stage must be"
    ):
        curriculum_store.publish_named_curricula(needed, {("Dummy task", "0.2", "1.0")})


def test_a_file_that_is_there_is_not_created_again(lake: Lake) -> None:
    assert lake.tag("a/b.txt") is None
    one = lake.replace(io.BytesIO(b"one"), "a/b.txt", expected=None)
    assert one
    assert lake.replace(io.BytesIO(b"two"), "a/b.txt", expected=None) is None
    assert lake.read("a/b.txt") == b"one"
    assert lake.tag("a/b.txt") == "f97c5d29941bfb1b2fdab0874906ab82"
    assert lake.paths("a") == ["a/b.txt"]
    assert lake.paths("none") == []


def test_a_build_publishes_the_curricula_that_df_manager_names(project: Project) -> None:
    older = mouse(curriculum_version="'1.0'")
    project.write_behavior(f"{GOOD_MOUSE} union all by name {older}")
    project.decide()
    found = [c.key[:2] for c in curriculum_store.in_lake(Folder(str(project.lake)))]
    assert found == [("Coupled Baiting", "1.0"), ("Coupled Baiting", "2.3")]


def test_a_build_stops_and_publishes_nothing_where_the_lake_holds_other_content(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    path = project.lake / curriculum_store.path_of(NEWEST)
    path.parent.mkdir(parents=True)
    path.write_text(changed())
    succeeded, problems = project.dbt("build")
    assert not succeeded
    assert "holds other content than Coupled Baiting 2.3" in problems
    assert not project.published().exists()
    assert path.read_text() == changed()


def test_braces_in_a_description_reach_the_database_as_they_are(tmp_path: Path) -> None:
    words = "{{ ref('nobody') }} {% raw %} {# gone"
    described = [c.model_copy(update={"description": words}) if c.key == NEWEST.key else c for c in ALL]
    project = Project(tmp_path, project_with(described, tmp_path))
    project.environment["AUTO_TRAIN_DATABASE"] = str(tmp_path / "database.duckdb")
    project.write_behavior(GOOD_MOUSE)
    for command in ("seed", "compile"):
        succeeded, problems = project.dbt(command)
        assert succeeded, problems
    [(found,)] = project.query(
        "from (show all tables) select database || '.' || schema || '.' || name where name = 'curricula'"
    )
    where = "where curriculum = 'coupled_baiting/v2.3'"
    assert project.query(f"select description from {found} {where}") == [(words,)]


def test_the_commands_list_get_publish_and_download(project: Project) -> None:
    def curricula(*arguments: str) -> str:
        done = project.command("-m", "scripts", "curricula", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert len(curricula("list").splitlines()) == len(ALL)
    newest = next(line for line in curricula("list").splitlines() if "Coupled Baiting            2.3 " in line)
    assert newest.split()[2:9] == ["2.3", "schema", "1.0", "6", "stages", "9", "rules"]
    assert "newest" in newest
    assert curricula("publish", "coupled_baiting/v2.3").startswith("1 new in the lake")
    assert curricula("publish", "coupled_baiting/v2.3").startswith("0 new in the lake")
    assert len(curricula("list", "--lake").splitlines()) == 1
    assert curricula("get", "coupled_baiting/v2.3", "--lake") == exchange.to_json(NEWEST)
    missing = project.command("-m", "scripts", "curricula", "get", "coupled_baiting/v2.2", "--lake")
    assert "is not in the lake: publish it first" in missing.stderr
    curricula("download", str(project.folder / "down"))
    assert len(list((project.folder / "down").iterdir())) == 4


def test_the_next_session_says_what_changes_for_a_mouse(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.decide()
    [(changes,)] = project.query("select parameter_changes from marts.next_session where decision = 'STAY'")
    assert changes is None
    project.write_behavior(f"select * from ({GOOD_MOUSE}) where session = 1")
    project.build("--full-refresh")
    [(stages, changes)] = project.query(
        "select (current_stage_actual, next_stage_suggested), parameter_changes from marts.next_session"
    )
    assert stages == ("STAGE_1_WARMUP", "STAGE_2")
    assert "warmup: on → off" in changes
    assert "task" not in changes
