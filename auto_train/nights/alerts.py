"""Tell people how a night went, by what Apprise speaks: e-mail, Slack, Teams and others."""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from auto_train.lake import Settings, counted, printable_lines
from auto_train.lake.alerts import Alert, Event
from auto_train.lake.clock import now
from auto_train.nights.record import Night, Outcome, decisions_in_words
from auto_train.publishing.manifest import PAGE
from auto_train.publishing.status import ago

LONGEST = 3000  # services cut what is much longer
LINES_OF_A_PROBLEM = 10


def event_of(night: Night) -> Event:
    """What a night is to those who are told."""
    if night.outcome is not Outcome.PUBLISHED:
        return Event.FAILURE
    is_odd = night.behind or night.findings or night.warnings or night.said
    return Event.WARNING if is_odd else Event.SUCCESS


def tell(night: Night, alerts: tuple[Alert, ...], page: str | None) -> list[str]:
    """Tell all who want to know; returns who could not be told, or could not have been.

    Args:
        night: the record.
        alerts: who is told.
        page: where the morning page of the last publication is.
    """
    return _each(alerts, event_of(night), title_of(night), message(night, page))


def tell_of_rollback(settings: Settings, said: list[str]) -> list[str]:
    """Tell who is told of warnings that rigs read an earlier run again; returns who could not be told."""
    page = page_of(settings)
    text = printable_lines("\n".join([*said, *([f"Page: {page}"] if page else [])]))
    return _each(settings.alerts, Event.WARNING, f"{settings.manager}: rolled back", text)


def check(alerts: tuple[Alert, ...]) -> list[str]:
    """Which alerts could never be sent: their variable is missing, or Apprise does not know their address."""
    return _each(alerts, None, "", "")


def _each(alerts: tuple[Alert, ...], event: Event | None, title: str, text: str) -> list[str]:
    # also those that are not told: a mistake in an address must not wait for the night that needs it
    told = (send(of, f"alert {n}", event if event in of.on else None, title, text) for n, of in enumerate(alerts, 1))
    return [problem for problem in told if problem]


def page_of(settings: Settings) -> str | None:
    """Where the morning page of the last publication is, as readers of the lake find it."""
    return f"{settings.lake}/{settings.published(PAGE, 'html')}" if settings.page else None


def title_of(night: Night) -> str:
    """The night in a line."""
    if night.outcome is not Outcome.PUBLISHED:
        why = "a test refused it" if night.outcome is Outcome.REFUSED else "the night could not run"
        return f"{night.manager}: nothing was published, {why}"
    said = {Event.WARNING: "published, but look", Event.SUCCESS: "published"}[event_of(night)]
    return f"{night.manager}: {said}"


def message(night: Night, page: str | None) -> str:
    """What a person needs to know: is it published, what do rigs run on, what is wrong for which mice, what helps."""
    if night.outcome is Outcome.PUBLISHED:
        newest = night.counts.get("next_session", {})
        mice = counted(sum(newest.values()), "mouse", "mice")
        lines = [f"Published for {night.training_day}: {mice}, {decisions_in_words(newest)}."]
        lines += [*night.said, *(f"Behind: {what}" for what in night.behind)]
    else:
        lines = ["Nothing was published.", rigs_run_on(night)]
        if not any(not finding.is_warning for finding in night.findings):
            lines += night.problem.splitlines()[:LINES_OF_A_PROBLEM]
    lines += [
        *(finding.in_words(night.manager) for finding in night.findings),
        *(f"warning: {warning}" for warning in night.warnings),
    ]
    text = printable_lines("\n".join(lines))
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]} …\nThe rest is in the log of the night."
    # before the first publication there is none
    has_page = page and (night.outcome is Outcome.PUBLISHED or night.last_publication)
    return "\n".join([text, *([f"Page: {page}"] if has_page else [])])


def rigs_run_on(night: Night) -> str:
    """On which decisions rigs run while nothing new is published."""
    last = night.last_publication
    if last is None:
        # before the first, or the lake did not answer
        return "This night saw no earlier publication; if there is one, rigs run on it."
    when = f"{last.started_at:%Y-%m-%d %H:%M} UTC, {ago(now() - last.started_at)}"
    return f"Rigs run on the decisions of run {last.run}, published {when}."


def send(alert: Alert, name: str, event: Event | None, title: str, text: str) -> str | None:
    """Send one message, or without an event only see whether the address is one.

    Returns:
        Why that failed, in words that hold nothing of the address but its kind.
    """
    url = alert.url.get_secret_value()
    if url.startswith("$"):
        variable, url = url[1:], os.environ.get(url[1:], "")
        name = f"{name} (${variable})"
        if not url:
            return f"{name} could not be sent: the environment has no {variable}"
    elif kind := re.match(r"[a-z]{2,20}(?=://)", url):
        name = f"{name} ({kind[0]})"
    # importing it takes a moment, and most commands tell nobody
    import apprise

    try:
        with _in_silence():
            asset = apprise.AppriseAsset(app_id="auto_train", storage_mode=apprise.PersistentStoreMode.MEMORY)
            sender = apprise.Apprise(asset=asset)
            if not sender.add(url):
                return f"{name} could not be sent: Apprise does not understand its url"
            is_sent = event is None or sender.notify(
                text, title, apprise.NotifyType(event.value), apprise.NotifyFormat.TEXT
            )
    except Exception as error:  # whatever it says may hold the address
        return f"{name} could not be sent: {type(error).__name__}"
    return None if is_sent else f"{name} could not be sent: its service was not reached, or refused it"


@contextmanager
def _in_silence() -> Iterator[None]:
    """What Apprise and the libraries below it log may hold an address."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
