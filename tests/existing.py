"""Curriculum JSON as the existing system writes it: conditions over several lines, descriptions of its authors."""

import json
import random
import re
from typing import Any

from curricula import exchange
from curricula.schema import Curriculum

BREAK = "\n                        "


def document(curriculum: Curriculum) -> dict[str, Any]:
    """The JSON document of a curriculum with its conditions as the existing system lays them out."""
    found: dict[str, Any] = json.loads(exchange.to_json(curriculum))
    for parameters in found["parameters"].values():
        parameters["description"] = "Phase B in the slides (block = [10, 20, 5], p_sum = 0.8)"
    for stage in found["curriculum"].values():
        for rule in stage["transition_rules"]:
            rule["condition"] = over_several_lines(rule["condition"])
            rule["condition_description"] = "After the first session"
    return found


def as_json(curriculum: Curriculum) -> str:
    """The text of `document`."""
    return json.dumps(document(curriculum), indent=4)


def over_several_lines(condition: str) -> str:
    """``lambda metrics: a and b`` as a triple-quoted string in the source had it."""
    text = condition.replace("lambda metrics: ", f"lambda metrics:{BREAK}")
    return re.sub(r" (and|or) ", rf" {BREAK}\1{BREAK}", text) + BREAK


def respelled(condition: str, chance: random.Random) -> str:
    """The same condition in another spelling: names, spaces, comments, parentheses, the number before the measure."""
    variants = {
        r"np\.mean": ["np.mean", "numpy.mean", "np.average"],
        r"\[-(\d+):\]": [r"[-\1:]", r"[ -\1 : ]", r"[(-\1):]", "[\n-\\1:]"],
        r"\[-1\]": ["[-1]", "[ -1 ]", "[(-1)]"],
        r"(\S+\[[^]]*\]\)?) (<|>)(=?) ([\d.]+)": [
            r"\1 \2\3 \4",
            r"(\1 \2\3 \4)",
            r"\1\2\3\4",
            "\\1  # note\n\\2\\3\n\\4",
        ],
        r" (and|or) ": [r" \1 ", r"  \1\t", "\n\\1\r\n", "  # why\n  \\1 "],
        r"metrics\b": ["metrics"],
    }
    for pattern, choices in variants.items():
        condition = re.sub(pattern, lambda found: found.expand(chance.choice(choices)), condition)  # noqa: B023
    return f"{condition}{chance.choice(['', BREAK, ' # the end'])}"
