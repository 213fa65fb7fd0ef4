"""What is said of a decision that a mouse was told."""

from auto_train.publishing import answers


def test_of_a_mouse_that_was_enrolled_no_session_is_said_to_have_run():
    row = {
        "session": 0,
        "decision": "STAY",
        "next_stage_suggested": "STAGE_1",
        "current_stage_actual": "STAGE_1",
        "run_id": "20240510T220000Z",
        "directive": "enrol coupled_baiting/v2.3 by Anna: new",
        "matched_rule": None,
    }
    assert answers._reason(row) == (
        "STAY at STAGE_1, decided by run 20240510T220000Z: has not run yet; enrol coupled_baiting/v2.3 by Anna: new"
    )
