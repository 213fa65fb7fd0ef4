"""Check, compile, compare, release, draw, exchange and publish curricula.

    python -m scripts.curricula compile                check the library and write the seeds (make curricula)
    python -m scripts.curricula check [A ...]          findings of some curricula, or of the whole library
    python -m scripts.curricula diff A B [--markdown]  what differs between two
    python -m scripts.curricula release                promise that what the library holds now never changes
    python -m scripts.curricula draw FOLDER [A ...]    pictures, and a page for each curriculum
    python -m scripts.curricula export FOLDER [A ...]  the rigs' JSON and JSON schema
    python -m scripts.curricula import FILE ...        take over the rigs' JSON as YAML (--library FOLDER)
    python -m scripts.curricula list [--lake]          what the library, or the lake, holds
    python -m scripts.curricula get A [--lake]         one curriculum as the rigs' JSON
    python -m scripts.curricula publish [A ...]        put what is not there yet into the lake
    python -m scripts.curricula download FOLDER        the lake's curricula, as they are there

A is a place in the library such as coupled_baiting/v2.3, or a file.
"""

import argparse
import json
import sys
from pathlib import Path

from curricula import exchange, library, pictures, releases
from curricula.checks import Severity, check
from curricula.library import LIBRARY, CurriculumError
from curricula.schema import Curriculum
from scripts import compile_curricula, curriculum_store
from scripts.lake import CURRICULA, Lake, LakeError, Settings, open_lake


def named(key: str) -> Curriculum:
    """A curriculum by its place in the library, ``coupled_baiting/v2.3``, or by its file."""
    path = Path(key) if key.endswith((".yml", ".yaml")) else LIBRARY / f"{key}.yml"
    return library.load(path)


def report(curricula: list[Curriculum]) -> int:
    """Print the findings of curricula and return how many are errors."""
    errors = warnings = 0
    for curriculum in curricula:
        for finding in check(curriculum):
            print(f"{releases.file_key(curriculum)}.yml: {finding}")
            errors += finding.severity is Severity.ERROR
            warnings += finding.severity is Severity.WARNING
    print(f"{len(curricula)} curricula: {errors} errors, {warnings} warnings")
    return errors


def compile_library() -> None:
    """Check the library, and write the seeds where nothing is wrong with it."""
    curricula = library.load_library()
    broken = releases.broken_promises(curricula, releases.read_lock())
    if errors := report(curricula):
        sys.exit(f"{errors} errors: the seeds are left as they are")
    if broken:
        sys.exit("\n".join(broken))
    changed = compile_curricula.write(curricula)
    print(f"seeds written: {', '.join(changed) or 'none, all are up to date'}")


def release() -> None:
    """Add what is new in the library to the lock."""
    curricula = library.load_library()
    lock = releases.read_lock()
    if broken := releases.broken_promises(curricula, lock):
        sys.exit("\n".join(broken))
    new = {releases.file_key(c): releases.content_hash(c) for c in curricula if releases.file_key(c) not in lock}
    releases.LOCK.write_text(json.dumps(lock | new, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"released: {', '.join(new) or 'nothing, all was released before'}")


def export(folder: Path, curricula: list[Curriculum]) -> None:
    """Write the rigs' JSON of curricula, and the JSON schema beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for curriculum in curricula:
        task, schema_version = curriculum.task_definition, curriculum.schema_version
        (folder / exchange.file_name(curriculum)).write_text(exchange.to_json(curriculum), encoding="utf-8")
        schema = folder / exchange.schema_file_name(task, schema_version)
        schema.write_text(exchange.json_schema(task, schema_version), encoding="utf-8")
    print(f"{len(curricula)} curricula in {folder}")


def take_over(files: list[Path], folder: Path) -> None:
    """Write the rigs' JSON as YAML into a library; a version that is there with other content is refused."""
    for file in files:
        try:
            curriculum = exchange.from_json(file.read_text(encoding="utf-8"))
        except (exchange.ExchangeError, OSError, UnicodeDecodeError) as error:
            sys.exit(f"{file}: {error}")
        path = folder / f"{releases.file_key(curriculum)}.yml"
        if path.exists():
            if releases.content_hash(library.load(path)) != releases.content_hash(curriculum):
                sys.exit(f"{file}: {path} is there with other content; a version never changes")
            print(f"{file}: is there already, as {path}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(library.to_yaml(curriculum), encoding="utf-8")
        print(f"{file}: written to {path}")


def draw(folder: Path, curricula: list[Curriculum]) -> None:
    """Write the two pictures and the page of each curriculum."""
    folder.mkdir(parents=True, exist_ok=True)
    for curriculum in curricula:
        for kind, svg in (("rules", pictures.rules_svg), ("paras", pictures.parameters_svg)):
            (folder / pictures.picture_name(curriculum, kind)).write_text(svg(curriculum), encoding="utf-8")
        page = folder / exchange.file_name(curriculum).replace(".json", ".html")
        page.write_text(pictures.page(curriculum), encoding="utf-8")
    print(f"{len(curricula)} curricula drawn in {folder}")


def show(curricula: list[Curriculum]) -> None:
    """Print one line per curriculum."""
    newest = {curriculum.name: curriculum.key for curriculum in sorted(curricula, key=library.in_order)}
    for curriculum in sorted(curricula, key=library.in_order):
        rules = sum(len(stage.rules) for stage in curriculum.stages.values())
        print(
            f"{curriculum.name:<27}{curriculum.version:<18}schema {curriculum.schema_version:<5}"
            f"{len(curriculum.stages)} stages {rules:>2} rules  {releases.content_hash(curriculum)[:12]}"
            f"  {'newest' if newest[curriculum.name] == curriculum.key else '':<7}{curriculum.description}".rstrip()
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
    print(f"{len(paths)} files in {folder}")


def get(key: str, of_lake: bool) -> str:
    """The rigs' JSON of one curriculum."""
    curriculum = named(key)
    if not of_lake:
        return exchange.to_json(curriculum)
    path = curriculum_store.path_of(curriculum)
    if not the_lake().exists(path):
        sys.exit(f"{path} is not in the lake: publish it first")
    return the_lake().read(path).decode()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    of_all = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = of_all.add_subparsers(dest="command", required=True)
    commands.add_parser("compile")
    commands.add_parser("release")
    of_check = commands.add_parser("check")
    of_check.add_argument("files", nargs="*")
    of_diff = commands.add_parser("diff")
    of_diff.add_argument("one")
    of_diff.add_argument("other")
    of_diff.add_argument("--markdown", action="store_true")
    of_export = commands.add_parser("export")
    of_export.add_argument("folder", type=Path)
    of_export.add_argument("curricula", nargs="*")
    of_import = commands.add_parser("import")
    of_import.add_argument("files", nargs="+", type=Path)
    of_import.add_argument("--library", type=Path, default=LIBRARY)
    of_draw = commands.add_parser("draw")
    of_draw.add_argument("folder", type=Path)
    of_draw.add_argument("curricula", nargs="*")
    commands.add_parser("list").add_argument("--lake", action="store_true")
    of_get = commands.add_parser("get")
    of_get.add_argument("curriculum")
    of_get.add_argument("--lake", action="store_true")
    commands.add_parser("publish").add_argument("curricula", nargs="*")
    commands.add_parser("download").add_argument("folder", type=Path)
    return of_all


def main() -> None:
    """Run the command."""
    options = parser().parse_args()
    try:
        if options.command == "compile":
            compile_library()
        elif options.command == "release":
            release()
        elif options.command == "check":
            curricula = [named(file) for file in options.files] or library.load_library()
            sys.exit(bool(report(curricula)))
        elif options.command == "diff":
            rows = releases.diff(named(options.one), named(options.other))
            layout = releases.as_markdown if options.markdown else releases.as_text
            print(layout(rows, options.one, options.other))
        elif options.command == "export":
            export(options.folder, [named(key) for key in options.curricula] or library.load_library())
        elif options.command == "import":
            take_over(options.files, options.library)
        elif options.command == "draw":
            draw(options.folder, [named(key) for key in options.curricula] or library.load_library())
        elif options.command == "list":
            show(curriculum_store.in_lake(the_lake()) if options.lake else library.load_library())
        elif options.command == "get":
            print(get(options.curriculum, options.lake), end="")
        elif options.command == "publish":
            new = curriculum_store.publish(the_lake(), [named(k) for k in options.curricula] or library.load_library())
            print(f"{len(new)} new in the lake", *new, sep="\n    ")
        elif options.command == "download":
            download(options.folder)
    except (CurriculumError, LakeError, curriculum_store.StoreError, exchange.ExchangeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
