"""A lab whose nights decide what the reference decides and tell the truth: no dbt, no lake."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from auto_train.lab.judge import Judge, Seen, Sentence
from auto_train.lab.nights import limits
from auto_train.lab.reference import Rules, State
from auto_train.lab.truth import Morning, Truth, told_of, truth_of
from auto_train.lab.world import World


class Lived(NamedTuple):
    """A day: what its night knew, and the judge before anything of it is judged."""

    day: date
    truth: Truth
    told: dict[Any, dict[str, Any]]
    mornings: dict[date, Morning]


def lived(world: World) -> Iterator[Lived]:
    """Every day of a world, after its rigs have run."""
    rules, state, mornings = Rules(world.library), State(), {}
    states = [state]
    for day in world.days:
        became = world.night(day)
        truth = truth_of(world, day, state, mornings, rules, limits())
        if became == "runs":
            state = {subject: mouse.decisions for subject, mouse in truth.mice.items()}
            states.append(state)
            if world.is_rolled_back(day):
                state = states[-2]
                states.append(state)
            world.published(day)
        told = told_of(truth.mice, mornings, world.has_flag)
        stages = {subject: of[max(of)].next_stage for subject, of in state.items() if of}
        mornings[day] = Morning(f"run {len(states)}", stages)
        world.run(day, stages)
        yield Lived(day, truth, told, mornings)


def truly(of: Lived) -> Seen:
    """What a night tells people that tells them the truth."""
    sentences = [
        Sentence(
            subject, number, made.decision, made.actual, made.next_stage, made.rule,
            made.overruled.kind if made.overruled else None,
            f"{made.decision} {'at' if made.decision == 'STAY' else 'to'} {made.next_stage}: "
            + ("finished trials 1 ≥ 0" if made.rule else "no rule holds; PROGRESS to STAGE_2 would need 1 not ≥ 2"),
        )
        for subject, mouse in of.truth.mice.items()
        for number, made in mouse.decisions.items()
    ]  # fmt: skip
    return Seen(sentences, set(of.truth.attention), {key: dict(row) for key, row in of.told.items()})


def judged(of: Lived, seen: Seen, published: dict[str, dict[int, str]], world: World) -> Judge:
    """One day, judged."""
    judge = Judge()
    decisions = {subject: mouse.decisions for subject, mouse in of.truth.mice.items()}
    judge.decisions(of.day, world, published, decisions)
    judge.words(of.day, seen, of.truth, of.told)
    return judge


def decided(of: Lived) -> dict[str, dict[int, str]]:
    """Next stages as published, by subject and session."""
    return {
        subject: {number: made.next_stage for number, made in mouse.decisions.items()}
        for subject, mouse in of.truth.mice.items()
        if mouse.decisions
    }
