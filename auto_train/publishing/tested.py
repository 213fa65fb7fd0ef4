"""Nothing is published by an invocation in which the tests did not run and pass (SEMANTICS 21)."""

from typing import Any

from dbt_common.invocation import get_invocation_id

from auto_train.lake import LakeError

NAMED = 3


def refuse_untested(run: dict[str, Any]) -> None:
    """Dbt skips what follows a test that fails; that all tests are part of this invocation is seen to here.

    Args:
        run: the row of stg_lake__run, which the invocation makes that also tests.

    Raises:
        LakeError: this invocation left out a test, or began after the tests.
    """
    left_out = [name for name in run["tests_that_do_not_run"].split(", ") if name]
    if run["invocation_id"] != get_invocation_id():
        raise LakeError("nothing is published: this run decided nothing and tested nothing itself. Run dbt build")
    if left_out:
        more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
        raise LakeError(
            f"nothing is published: this run leaves out tests ({', '.join(left_out[:NAMED])}{more}). Run dbt build"
        )
