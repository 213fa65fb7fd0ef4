"""The list of wrong changes moves with the code."""

from tests.copies import ROOT
from tests.mutate import MODELS, SUITES, mutations


def test_every_wrong_change_has_its_place_and_its_tests() -> None:
    listed = mutations()
    assert len(listed) >= 150
    lost = [str(of) for of in listed if not of.place.exists() or of.place.read_text().count(of.before) != 1]
    assert lost == []
    assert [str(of) for of in listed if of.before == of.after] == []
    files = {of.tests.split("::")[0].split()[0] for of in listed if of.tests not in (MODELS, *SUITES)}
    assert [name for name in files if not ROOT.joinpath(name).exists()] == []
