"""Curriculum files as the system that this project replaces writes them."""

import json

from curricula import exchange
from curricula.schema import Curriculum


def as_the_existing_system_writes(curriculum: Curriculum) -> str:
    """Conditions over several lines, descriptions of its own, and no rules where a mouse stays for good."""
    document = json.loads(exchange.to_json(curriculum))
    for label, parameters in document["parameters"].items():
        parameters["description"] = f"{label} as its author called it; (block = [10, 20, 5])"
    document["curriculum"].pop("Graduated", None)
    for stage in document["curriculum"].values():
        stage["from_stage"] = "Stage 2"
        for rule in stage["transition_rules"]:
            head, body = rule["condition"].split(": ", 1)
            lines = body.replace(" and ", " \n and\n ").replace(" or ", "\n or \n ").replace("(m", "(\n m")
            rule["condition"] = f"{head}:\n                {lines}\n                "
            rule["condition_description"] = "what its author said"
    return json.dumps(document)
