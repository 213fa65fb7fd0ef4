"""What time it is: the one clock that all code reads."""

import os
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from auto_train.lake.errors import LakeError
from curricula.errors import closest


def now() -> datetime:
    """The time in UTC: of the system, or what AUTO_TRAIN_CLOCK says, so that a night of any day can be lived through.

    Raises:
        LakeError: AUTO_TRAIN_CLOCK is not a time with its zone.
    """
    told = os.environ.get("AUTO_TRAIN_CLOCK")
    if not told:
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(told)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise LakeError(f"AUTO_TRAIN_CLOCK={told!r}: a time with its zone is needed, such as 2026-01-31T05:00:00-08:00")
    return time.astimezone(UTC)


def training_day(time: datetime, zone: str) -> date:
    """The day for which a run at this time decides: from noon on in the lab's zone tomorrow (SEMANTICS 22).

    Raises:
        LakeError: this machine knows no such zone.
    """
    return day(time, zone, timedelta(hours=12))


def day(time: datetime, zone: str, later: timedelta = timedelta()) -> date:
    """The day in the lab at a time, or so much later by its clock.

    Raises:
        LakeError: this machine knows no such zone.
    """
    try:
        # not every machine has a table of zones
        of_lab: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)
    except (KeyError, TypeError, ValueError, OSError):
        near = closest(zone, available_timezones())
        raise LakeError(f"lab_time_zone={zone!r} is not a time zone that this machine knows{near}") from None
    return (time.astimezone(of_lab).replace(tzinfo=None) + later).date()
