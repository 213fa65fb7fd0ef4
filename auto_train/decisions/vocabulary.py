"""The words that describe decisions, each list in one place. `make curricula` writes them as seeds for the models."""

from enum import StrEnum
from typing import Any, Self

from curricula.compile import csv_text


class _Worded(StrEnum):
    """A name with its words for people."""

    words: str

    def __new__(cls, value: str, words: str) -> Self:
        """A name with its words."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member


class SetAside(_Worded):
    """Why a session is not decided (SEMANTICS 12, 13 and 30)."""

    SUBJECT_ID_PATTERN = "subject_id_pattern", "a subject id that readers do not accept"
    SESSION_IS_NO_WHOLE_NUMBER = "session_is_no_whole_number", "a session number that is not a whole number from 0 up"
    UNREADABLE_DATE = "unreadable_date", "a date that cannot be read"
    SESSION_TWICE = "session_twice", "a second row for the same session"
    SESSION_COUNTER_RESTARTED = (
        "session_counter_restarted",
        "a number that an earlier session of the mouse has: the counter of the rig started anew; "
        "the directive continue_numbers counts on",
    )
    OFF_BY_DIRECTIVE = "off_by_directive", "a session of a mouse that someone took off the curriculum"
    UNKNOWN_CURRICULUM = "unknown_curriculum", "a curriculum that the library does not have"
    METRIC_IS_NO_NUMBER = "metric_is_no_number", "a metric that is not a number"
    UNKNOWN_START_STAGE = "unknown_start_stage", "no earlier decision and no stage reported to start from"
    STAGE_WITHOUT_RULES = "stage_without_rules", "a stage that has no rules in its curriculum"


class Attention(_Worded):
    """Why someone should look at a mouse or a rig today (SEMANTICS 32)."""

    HELD = "held", "held or pinned"
    DIRECTIVE_ENDS = "directive_ends", "a hold or pin that ends soon"
    DIRECTIVE_PROBLEM = "directive_problem", "a directive that is not understood"
    NEWEST_SET_ASIDE = "newest_set_aside", "the newest session is set aside"
    COUNTER_RESTARTED = "counter_restarted", "the session counter started anew"
    WITHOUT_METRICS = "without_metrics", "the newest session lacks metrics"
    WENT_OPEN_LOOP = "went_open_loop", "went into open loop"
    DID_NOT_RUN = "did_not_run", "did not run when the others of its trainer did"
    STUCK_IN_STAGE = "stuck_in_stage", "stuck in a stage"
    BOUNCING = "bouncing", "bouncing between stages"
    STAGE_WITHOUT_PARAMETERS = "stage_without_parameters", "told a stage that has no parameters"
    DRIFT = "drift", "what is known now would tell another stage"
    OVERRIDDEN = "overridden", "trainers chose otherwise again and again"
    APPLIED_ANOTHER_STAGE = "applied_another_stage", "another stage ran than was told, and nobody says so"
    VALUES_MISSING = "values_missing", "values are missing in most of the newest sessions of the rig"


class Directive(StrEnum):
    """What people can say about a mouse (lines of seeds/by_hand/subject_directives.csv).

    Attributes:
        names_stage: whether it needs a stage.
        overrules: whether it decides what comes next while it is in force.
        needs_day: whether it says nothing without the day from which it counts.
        words: what it does, for people.
    """

    names_stage: bool
    overrules: bool
    needs_day: bool
    words: str

    def __new__(cls, value: str, words: str, *is_so: str) -> Self:
        """A directive with what it does, and which of its attributes are true."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        for name in ("names_stage", "overrules", "needs_day"):
            setattr(member, name, name in is_so)
        return member

    HOLD = "hold", "the mouse stays at the stage that ran", "overrules"
    PIN = "pin", "the mouse is suggested the stage that is named, whatever the rules say", "names_stage", "overrules"
    OFF_CURRICULUM = (
        "off_curriculum",
        "sessions are not decided; the last decision holds the mouse where it is",
        "overrules",
    )
    ENROL = (
        "enrol",
        "the mouse, if it has no decision yet, starts at the stage that is named; where a curriculum is named in its "
        "place (`coupled_baiting/v2.3`), rigs read the first stage of it before the mouse has ever run",
        "names_stage",
    )
    LEFT = "left", "the mouse is gone: no alarms from the first day on; its decisions stay as they are"
    CONTINUE_NUMBERS = (
        "continue_numbers",
        "sessions dated from the first day on count on after the highest number before: for a rig whose counter "
        "started anew",
        "needs_day",
    )
    DECIDE_ANEW = (
        "decide_anew",
        "decisions of sessions dated from the first day on are made anew, once: for a past that was corrected",
        "needs_day",
    )
    ACCEPT_GONE = (
        "accept_gone",
        "decided sessions that are gone from df_behavior are known to be, those dated within its days: no warning",
    )


class DirectiveProblem(_Worded):
    """What can be wrong with what people say about mice (SEMANTICS 23)."""

    FILE_IS_MISSING = "file_is_missing", "the file is missing, so no directives are known"
    FILE_IS_NOT_TEXT = "file_is_not_text", "this is not a text file that can be read, so no directives are known"
    HEADER_IS_MISSING = (
        "header_is_missing",
        "no header with subject_id, directive, stage, from_date, until_date, who and why, so no directives are known",
    )
    HEADER_IS_DAMAGED = (
        "header_is_damaged",
        "the header of the file lacks one of subject_id, directive, stage, from_date, until_date, who and why",
    )
    NOT_REACHED = "not_reached", "this cannot be read, so directives are those that were known last"
    MALFORMED_LINE = "malformed_line", "not as many fields as the header, or a quote that is not closed"
    SUBJECT_IS_MISSING = "subject_is_missing", "no mouse is named"
    UNKNOWN_DIRECTIVE = "unknown_directive", "a directive that does not exist"
    UNKNOWN_STAGE = "unknown_stage", "a stage that does not exist, or none where one is needed"
    UNREADABLE_DATE = "unreadable_date", "a date that is not YYYY-MM-DD, YYYY/MM/DD or YYYYMMDD"
    UNTIL_BEFORE_FROM = "until_before_from", "it ends before it starts"
    WHO_OR_WHY_MISSING = "who_or_why_missing", "it does not say who wants it, or why"
    DAY_MISSING = "day_missing", "it does not say from which day"
    UNKNOWN_CURRICULUM = "unknown_curriculum", "a curriculum that the library does not have"
    OVERLAPS_ANOTHER = "overlaps_another", "another directive of this mouse is in force on the same day"
    STAGE_NOT_IN_CURRICULUM = "stage_not_in_curriculum", "a stage that the curriculum of the mouse lacks"
    UNKNOWN_SUBJECT = "unknown_subject", "a mouse that neither df_behavior nor df_manager has"


def seeds() -> dict[str, str]:
    """The text of the seeds by their paths below the project's root."""
    tables: dict[str, list[dict[str, Any]]] = {
        "set_aside_reasons": [{"reason": of.value, "words": of.words} for of in SetAside],
        "attention_reasons": [{"reason": of.value, "words": of.words} for of in Attention],
        "directives": [
            {
                "directive": of.value,
                "names_stage": of.names_stage,
                "overrules": of.overrules,
                "needs_day": of.needs_day,
                "words": of.words,
            }
            for of in Directive
        ],
        "directive_problems": [{"problem": of.value, "words": of.words} for of in DirectiveProblem],
    }
    return {f"seeds/vocabulary/{name}.csv": csv_text(rows) for name, rows in tables.items()}


def lists() -> dict[str, str]:
    """The words as documents have them, by the names of their blocks."""
    rows = "".join(f"| `{of.value}` | {of.words} |\n" for of in Directive)
    return {"directives": f"| directive | effect while it is in force |\n|---|---|\n{rows}"}
