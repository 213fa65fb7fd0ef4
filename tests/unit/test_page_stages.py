"""Stages on the morning page: their colours follow the place in training, not the name."""

from auto_train.page.page import OTHER_END, STAGE_COLORS, stages


def row(stage: str, position: int, of: int, *, is_end: bool = False, is_graduation: bool = False) -> dict[str, object]:
    return {"stage": stage, "position": position, "stages": of, "is_end": is_end, "is_graduation": is_graduation}


def test_own_stages_go_from_light_to_dark_and_a_way_out_has_a_colour_of_its_own() -> None:
    places, colors, graduations = stages([
        row("learn", 1, 4), row("gave_up", 2, 4, is_end=True), row("able", 3, 4),
        row("done", 4, 4, is_end=True, is_graduation=True),
        # a name that a task fixes keeps what it has
        row("STAGE_FINAL", 1, 1),
    ])  # fmt: skip
    shades = list(STAGE_COLORS.values())
    assert [colors[of] for of in ("learn", "gave_up", "able", "done")] == [shades[0], OTHER_END, shades[5], shades[-1]]
    assert [places[of] for of in ("learn", "done", "STAGE_1_WARMUP", "STAGE_FINAL")] == [0, 1, 0, 6 / 7]
    assert {name: colors[name] for name in STAGE_COLORS} == STAGE_COLORS
    assert graduations == ["GRADUATED", "done"]
