"""``auto-train curricula``: check, compile, compare, release, draw, exchange and publish curricula."""

import json
from pathlib import Path

import click

from auto_train.decisions import columns, vocabulary
from auto_train.lake import CURRICULA, Lake, Settings, open_lake
from auto_train.lake.printable import counted
from auto_train.publishing import curricula as store
from curricula import aind, blocks, exchange, library, pictures, releases
from curricula import compile as compiling
from curricula.checks import Severity, check
from curricula.errors import UserError, closest, one_line
from curricula.library import LIBRARY
from curricula.schema import Curriculum
from scripts.options import MANAGER


def named(key: str) -> Curriculum:
    """A curriculum by its place in the library, ``coupled_baiting/v2.3``, or by its file."""
    if key.endswith((".yml", ".yaml")):
        return library.load(Path(key))
    places = library.places()
    if key not in places:
        raise UserError(one_line(f"{key} is not in the library{closest(key, places)}"))
    return library.load(LIBRARY / f"{key}.yml")


def report(curricula: list[Curriculum]) -> int:
    """Print the findings of curricula and return how many are errors."""
    errors = warnings = 0
    for curriculum in curricula:
        for finding in check(curriculum):
            click.echo(f"{releases.file_key(curriculum)}.yml: {finding}")
            errors += finding.severity is Severity.ERROR
            warnings += finding.severity is Severity.WARNING
    click.echo(f"checked: {len(curricula)}, errors: {errors}, warnings: {warnings}")
    return errors


def generated(curricula: list[Curriculum]) -> dict[str, str]:
    """The text of every generated file by its path below the project's root."""
    lists = compiling.lists(curricula) | vocabulary.lists() | columns.lists()
    return compiling.compiled(curricula) | vocabulary.seeds() | columns.macro() | blocks.filled(compiling.ROOT, lists)


def compile_library() -> None:
    """Check the library, and write the seeds where nothing is wrong with it."""
    curricula = library.load_library()
    broken = releases.broken_promises(curricula, releases.read_lock())
    if errors := report(curricula):
        raise UserError(f"errors: {errors}; the seeds are left as they are")
    if broken:
        raise UserError("\n".join(broken))
    changed = compiling.write(generated(curricula))
    click.echo(f"written: {', '.join(changed) or 'none, all are up to date'}")


def release() -> None:
    """Add what is new in the library to the lock."""
    curricula = library.load_library()
    lock = releases.read_lock()
    if broken := [*releases.broken_promises(curricula, lock), *releases.unfit(curricula, lock)]:
        raise UserError("\n".join(broken))
    new = {releases.file_key(c): releases.content_hash(c) for c in curricula if releases.file_key(c) not in lock}
    releases.LOCK.write_text(json.dumps(lock | new, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    click.echo(f"released: {', '.join(new) or 'nothing, all was released before'}")


def export(folder: Path, curricula: list[Curriculum]) -> None:
    """Write the rigs' JSON of curricula, and the JSON schema beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for curriculum in curricula:
        task, schema_version = curriculum.task_definition, curriculum.schema_version
        (folder / exchange.file_name(curriculum)).write_text(exchange.to_json(curriculum), encoding="utf-8")
        schema = folder / exchange.schema_file_name(task, schema_version)
        schema.write_text(exchange.json_schema(task, schema_version), encoding="utf-8")
    click.echo(f"{len(curricula)} curricula in {folder}")


def export_to_aind(folder: Path, curricula: list[Curriculum], mice: Path | None) -> None:
    """Write curricula as aind-behavior-curriculum has them, the TrainerState of each mouse, and what cannot be said."""
    folder.mkdir(parents=True, exist_ok=True)
    unsaid = []
    for curriculum in curricula:
        key = releases.file_key(curriculum)
        file = folder / f"{key.replace('/', '_')}.json"
        file.write_text(json.dumps(aind.to_json(curriculum), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        unsaid += [f"{key}: {of}" for of in aind.cannot_say(curriculum)]
    states = {}
    if mice:
        library_of = {curriculum.key: curriculum for curriculum in library.load_library()}
        states = aind.states(json.loads(mice.read_text(encoding="utf-8")), library_of)
    for subject, state in states.items():
        if not subject.isdigit():  # no path is made of any other name
            raise UserError(one_line(f"{mice}: {subject} is not the number of a mouse"))
        (folder / f"trainer_state_{subject}.json").write_text(state, encoding="utf-8")
    (folder / "what_it_cannot_say.txt").write_text("".join(f"{line}\n" for line in unsaid), encoding="utf-8")
    what = f"{counted(len(curricula), 'curriculum', 'curricula')} and {counted(len(states), 'mouse', 'mice')}"
    click.echo(f"{what} in {folder}")
    things = counted(len(unsaid), "thing")
    click.echo(f"what {aind.LIBRARY} cannot say: {things}, in {folder / 'what_it_cannot_say.txt'}")


def take_over(files: list[Path], folder: Path) -> None:
    """Write the rigs' JSON as YAML into a library; a version that is there with other content is refused.

    A file that is refused stops none of the others.
    """
    refused = []
    for file in files:
        try:
            click.echo(one_line(f"{file}: {_take_over(file, folder)}"))
        except UserError as error:
            refused += [one_line(f"{file}: {problem}") for problem in str(error).split("\n")]
    if refused:
        raise UserError("\n".join(refused))


def _take_over(file: Path, folder: Path) -> str:
    """Take over one file and say what was done."""
    try:
        curriculum = exchange.from_json(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"is not UTF-8 text at byte {error.start}") from None
    except OSError as error:
        raise UserError(f"cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
    path = folder / f"{releases.file_key(curriculum)}.yml"
    if path.exists():
        if releases.content_hash(library.load(path)) != releases.content_hash(curriculum):
            raise UserError(f"{path} is there with other content; a version never changes")
        return f"is there already, as {path}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(library.to_yaml(curriculum), encoding="utf-8")
    return f"written to {path}"


def draw(folder: Path, curricula: list[Curriculum]) -> None:
    """Write the two pictures and the page of each curriculum, and a page that shows them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for curriculum in curricula:
        for kind, svg in (("rules", pictures.rules_svg), ("paras", pictures.parameters_svg)):
            (folder / pictures.picture_name(curriculum, kind)).write_text(svg(curriculum), encoding="utf-8")
        page = folder / exchange.file_name(curriculum).replace(".json", ".html")
        page.write_text(pictures.page(curriculum), encoding="utf-8")
    (folder / "index.html").write_text(pictures.index(curricula), encoding="utf-8")
    click.echo(f"{len(curricula)} curricula drawn in {folder}")


def show(curricula: list[Curriculum]) -> None:
    """Print one line per curriculum."""
    newest = {curriculum.name: curriculum.key for curriculum in sorted(curricula, key=library.in_order)}
    for curriculum in sorted(curricula, key=library.in_order):
        rules = sum(len(stage.rules) for stage in curriculum.stages.values())
        words = one_line(curriculum.description)
        click.echo(
            f"{curriculum.name:<27}{curriculum.version:<18}schema {curriculum.schema_version:<5}"
            f"{len(curriculum.stages)} stages {rules:>2} rules  {releases.content_hash(curriculum)[:12]}"
            f"  {'newest' if newest[curriculum.name] == curriculum.key else '':<7}{words}".rstrip()
        )


def the_lake() -> Lake:
    """The lake that the environment names."""
    settings = Settings.from_environment()
    return open_lake(settings.lake, settings)


def download(folder: Path) -> None:
    """Copy what the lake holds of curricula."""
    lake = the_lake()
    paths = lake.paths(CURRICULA)
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        (folder / Path(path).name).write_bytes(lake.read(path))
    click.echo(f"{len(paths)} files in {folder}")


def get(key: str, of_lake: bool) -> str:
    """The rigs' JSON of one curriculum."""
    curriculum = named(key)
    if not of_lake:
        return exchange.to_json(curriculum)
    path = store.path_of(curriculum)
    if not the_lake().exists(path):
        raise UserError(f"{path} is not in the lake: publish it first")
    return the_lake().read(path).decode()


def chosen(keys: tuple[str, ...]) -> list[Curriculum]:
    """The curricula of the keys, or the whole library."""
    return [named(key) for key in keys] or library.load_library()


KEYS = click.argument("curricula", nargs=-1)
FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def command() -> None:
    """Check, compile, compare, release, draw, exchange and publish curricula.

    A curriculum is named by its place in the library, such as coupled_baiting/v2.3, or by its file.
    """


@command.command("compile")
def compile_() -> None:
    """Check the library and write the seeds that the models read."""
    compile_library()


@command.command("release")
def release_() -> None:
    """Promise that what the library holds now never changes."""
    release()


@command.command("check")
@KEYS
def check_(curricula: tuple[str, ...]) -> None:
    """List the findings of some curricula, or of the whole library."""
    found = chosen(curricula)
    errors, lock = report(found), releases.read_lock()
    broken = releases.edited(found, lock, library.places()) if curricula else releases.broken_promises(found, lock)
    broken += releases.unfit(found, lock)
    if errors or broken:
        raise UserError("\n".join([*([f"errors: {errors}"] if errors else []), *broken]))


@command.command("diff")
@click.argument("one")
@click.argument("other")
@click.option("--markdown", is_flag=True, help="A table for a pull request.")
def diff_(one: str, other: str, markdown: bool) -> None:
    """Show what differs between two."""
    rows = releases.diff(named(one), named(other))
    layout = releases.as_markdown if markdown else releases.as_text
    click.echo(layout(rows, one, other))


@command.command("draw")
@FOLDER
@KEYS
def draw_(folder: Path, curricula: tuple[str, ...]) -> None:
    """Write pictures, a page for each curriculum, and index.html that leads to all of them."""
    draw(folder, chosen(curricula))


@command.command("export")
@FOLDER
@KEYS
@click.option("--to", "reader", type=click.Choice(["rigs", aind.LIBRARY]), default="rigs", help="Who reads it.")
@click.option("--mice", type=click.Path(path_type=Path), help="A next_session_<manager>.json, for its mice's states.")
def export_(folder: Path, curricula: tuple[str, ...], reader: str, mice: Path | None) -> None:
    """Write curricula as JSON for the rigs (with JSON schema), or for aind-behavior-curriculum."""
    if reader == "rigs":
        export(folder, chosen(curricula))
    else:
        export_to_aind(folder, chosen(curricula), mice)


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--library", "folder", type=click.Path(path_type=Path), default=LIBRARY)
def import_(files: tuple[Path, ...], folder: Path) -> None:
    """Take over the rigs' JSON as YAML."""
    take_over(list(files), folder)


@command.command("list")
@click.option("--lake", "of_lake", is_flag=True, help="What the lake holds.")
@MANAGER
def list_(of_lake: bool) -> None:
    """List what the library, or the lake, holds."""
    if not of_lake:
        show(library.load_library())
        return
    found, unreadable = store.read_all(the_lake())
    show(found)
    if unreadable:
        raise UserError("\n".join(unreadable))


@command.command("get")
@click.argument("curriculum")
@click.option("--lake", "of_lake", is_flag=True, help="From the lake.")
@MANAGER
def get_(curriculum: str, of_lake: bool) -> None:
    """Print one curriculum as the rigs' JSON."""
    click.echo(get(curriculum, of_lake), nl=False)


@command.command("publish")
@MANAGER
@KEYS
def publish_(curricula: tuple[str, ...]) -> None:
    """Put what is not there yet into the lake."""
    new = store.publish(the_lake(), chosen(curricula))
    click.echo("\n    ".join([f"{len(new)} new in the lake", *new]))


@command.command("download")
@MANAGER
@FOLDER
def download_(folder: Path) -> None:
    """Copy the lake's curricula, as they are there."""
    download(folder)
