"""Lists within files that people write."""

from pathlib import Path

import pytest
import yaml

from curricula.blocks import filled, yaml_columns
from curricula.errors import UserError

YAML = """\
columns:
  - name: by_hand
    # measures: written by `make curricula`
    - old
    # end of measures
  - name: another
  # metrics: written by `make curricula`
  # end of metrics
"""


def test_only_what_stands_between_the_marks_is_written_indented_like_them(tmp_path: Path) -> None:
    (tmp_path / "models/marts").mkdir(parents=True)
    (tmp_path / "models/marts/_m.yml").write_text(YAML)
    (tmp_path / "models/marts/_without.yml").write_text("columns: []\n")
    (tmp_path / "README.md").write_text("a\n\n<!-- metrics: written by `make curricula` -->\n<!-- end of metrics -->\n")
    files = filled(tmp_path, {"measures": "- one\n- two\n", "metrics": "- three\n"})
    assert files == {
        "README.md": "a\n\n<!-- metrics: written by `make curricula` -->\n- three\n<!-- end of metrics -->\n",
        "models/marts/_m.yml": YAML.replace("    - old\n", "    - one\n    - two\n").replace(
            "  # end of metrics", "  - three\n  # end of metrics"
        ),
    }


def test_a_block_of_a_list_that_there_is_not_is_an_error_that_names_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(YAML)
    with pytest.raises(UserError, match=r"README.md: there is no list 'metrics'; there are measures"):
        filled(tmp_path, {"measures": ""})


def test_a_block_that_does_not_end_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(YAML.replace("end of metrics", "end of metric"))
    with pytest.raises(UserError, match=r"README.md: the block 'metrics' does not end: .* `end of metrics`"):
        filled(tmp_path, {"measures": "", "metrics": ""})


def test_columns_are_yaml_whatever_their_description_says() -> None:
    columns = [
        {"name": "a", "description": "it's: {{ doc('a') }} # one", "data_type": "double"},
        {"name": "b", "description": "two", "config": "{tags: [readers]}"},
    ]
    assert yaml.safe_load(yaml_columns(columns)) == [columns[0], columns[1] | {"config": {"tags": ["readers"]}}]
