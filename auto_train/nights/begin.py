"""Begin a night, if there is reason to. What takes seconds to import is imported only then."""

from collections.abc import Callable
from contextlib import suppress

from auto_train.lake import LakeError, Settings, counted, printable
from auto_train.nights import news
from auto_train.nights.dbt_options import target_of
from auto_train.nights.record import BEHIND, record_path
from auto_train.publishing import mirror
from curricula.errors import UserError


def begin(manager: str, options: list[str], *, if_news: bool = False, says_no_news: bool = True) -> int | None:
    """The night of a manager; returns its exit code, None where there was no news to run for and nothing is behind."""
    try:
        settings = Settings.from_environment(manager)
    except UserError as error:
        from auto_train.nights import night

        return night.not_begun(manager, error, options, tells_once=if_news)
    if if_news:
        # what cannot be looked at cannot be decided either, and the night says why
        with suppress(LakeError):
            found, why = news.look(settings, record_path(settings, target_of(options)))
            if not found:
                if says_no_news:
                    print(f"{settings.manager}: no news, {why}", flush=True)
                return _mirrored(settings)
            print(f"{settings.manager}: {', '.join(found)}", flush=True)
    from auto_train.nights import night

    return night.run(settings, options, tells_once=if_news)


def _mirrored(settings: Settings) -> int | None:
    """Copy what the last run could not copy to the mirror; returns None where there was nothing, else an exit code."""
    try:
        if not mirror.is_behind(settings):
            return None
        copied = mirror.bring_up_to_date(settings)
    except LakeError as error:
        print(f"{settings.manager}: {printable(error)}", flush=True)
        return BEHIND
    print(f"{settings.manager}: copied to the mirror, which was behind: {counted(len(copied), 'file')}", flush=True)
    return 0


def watch(managers: list[str], options: list[str], wait: Callable[[], bool]) -> None:
    """Look at what managers read, again and again, and run the night of one that has news.

    Args:
        managers: their names.
        options: of dbt.
        wait: waits for the next look; false where there is to be none.
    """
    quiet: set[str] = set()
    while True:
        for name in managers:
            # said once, until there is news
            code = begin(name, options, if_news=True, says_no_news=name not in quiet)
            quiet = quiet | {name} if code is None else quiet - {name}
        if not wait():
            return
