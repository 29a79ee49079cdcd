"""TOML files: what they change, and what they answer when something is wrong with them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pruneproof.simulations.studies import Study, builtin_studies, builtin_study, read_study
from pruneproof.simulations.studies.builtin import STUDIES


@pytest.fixture
def known(toy: Any, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A built-in study with a parameter of each type; and one that lists its conditions."""
    grid = {"width": (8, 16), "rate": (0.5, 1.5), "kind": ("a", "b"), "on": (True, False)}
    monkeypatch.setattr(toy, "FULL", Study("full", toy.noise, grid, 10, "all"), raising=False)
    listed = [{"width": 8, "rate": 0.5}, {"width": 16, "rate": 0.25}]
    monkeypatch.setattr(toy, "LISTED", Study("listed", toy.noise, listed, 10, "two"), raising=False)
    for name in ("full", "listed"):
        monkeypatch.setitem(STUDIES, name, "toy")
    monkeypatch.setitem(sys.modules, "pruneproof.simulations.studies.builtin.toy", toy)
    return toy.FULL


def read(tmp_path: Path, text: str) -> Any:
    (tmp_path / "s.toml").write_text(text)
    return read_study(tmp_path / "s.toml")


HEAD = '[study]\nname = "mine"\nreplicate = "full"\n'


def test_what_a_file_changes(known: Study, tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + "replicates = 3\nseed = 7\n[grid]\nwidth = [4]\nrate = [1, 0.5]")
    grid = {**known.grid, "width": [4], "rate": [1.0, 0.5]}
    assert found.study == replace(known, name="mine", replicates=3, grid=grid)
    assert found.seed == 7
    assert found.study.number != known.number
    assert all(type(c["rate"]) is float for c in found.study.conditions)
    assert read(tmp_path, "replicates = 3\nseed = 7\n" + HEAD).study.replicates == 3


def test_a_file_that_changes_nothing(known: Study, tmp_path: Path) -> None:
    found = read(tmp_path, '[study]\nreplicate = "full"')
    assert found.study == known
    assert found.seed == 0


def test_listed_conditions(known: Study, tmp_path: Path) -> None:
    head = '[study]\nreplicate = "listed"\n'
    found = read(tmp_path, head + "[[grid]]\nrate = 2\nwidth = 3\n[[grid]]\nwidth = 5\nrate = 0.1")
    assert found.study.conditions == ({"width": 3, "rate": 2.0}, {"width": 5, "rate": 0.1})
    product = read(tmp_path, head + "[grid]\nwidth = [3]\nrate = [0.1, 0.2]")
    assert product.study.conditions == ({"width": 3, "rate": 0.1}, {"width": 3, "rate": 0.2})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[studdy]\n", "key 'studdy' is unknown; the nearest is 'study'"),
        ("", "needs a table [study]"),
        ("study = 3", "needs a table [study]"),
        ('[study]\nname = "x"', "needs a table [study] with replicate"),
        (
            HEAD + "replicate_s = 1",
            "key of [study] 'replicate_s' is unknown; the nearest is 'replic",
        ),
        (HEAD + "code = 'os:system'", "key of [study] 'code' is unknown"),
        ('[study]\nreplicate = "fall"', "no study 'fall'; the nearest is 'full'"),
        ('[study]\nreplicate = "os.system"', "no study 'os.system'"),
        ("[study]\nreplicate = 3", "replicate must be a text"),
        ('[study]\nreplicate = "full"\nname = 3', "name must be a text"),
        ('[study]\nreplicate = "full"\nname = "a b"', "'a b'"),
        (HEAD + "replicates = 0", "replicates must be at least 1, but is 0"),
        (HEAD + "replicates = 2.5", "replicates must be a whole number"),
        (HEAD + "replicates = true", "replicates must be a whole number"),
        (HEAD + "seed = -1", "seed must be at least 0"),
        ("seed = 1\n" + HEAD + "seed = 1", "seed stands both"),
        (HEAD + "[grid]\nwidht = [1]", "parameter 'widht' is unknown; the nearest is 'width'"),
        (HEAD + "[grid]\nwidth = []", "width in [grid] is empty"),
        (HEAD + "[grid]\nwidth = 8", "width in [grid] must be a list"),
        (HEAD + "[grid]\nwidth = [8, 8]", "twice"),
        (HEAD + "[grid]\nwidth = [8.5]", "width in the grid must be a whole number, but is 8.5"),
        (HEAD + "[grid]\nwidth = [true]", "width in the grid must be a whole number"),
        (HEAD + "[grid]\nwidth = ['8']", "width in the grid must be a whole number"),
        (HEAD + "[grid]\non = [1]", "on in the grid must be a truth value"),
        (HEAD + "[grid]\nkind = [1]", "kind in the grid must be a text"),
        (HEAD + "[grid]\nrate = [1979-05-27]", "rate in the grid must be a number"),
        ("grid = 3\n" + HEAD, "grid must be a table"),
        (HEAD + "[[grid]]\nwidth = 1", "lacks the parameter 'rate'"),
        ("grid = []\n" + HEAD, "is empty"),
        ('[study]\nreplicate = "listed"\n[grid]\nwidth = [1]', "must have 'rate' too"),
        ("[study", "is no TOML"),
        ("\x00", "is no TOML"),
    ],
)
def test_a_wrong_file_answers_in_one_sentence(
    known: Study, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ValueError) as error:
        read(tmp_path, text)
    assert words in str(error.value)
    assert "s.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_study(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is no TOML"):
        read_study(tmp_path / "bytes.toml")


def test_every_built_in_study_loads() -> None:
    for name in builtin_studies():
        study = builtin_study(name)
        assert study.name == name
        assert study.quickened.conditions


def test_lists_in_a_grid_have_entries_of_the_known_type(tmp_path: Path) -> None:
    head = '[study]\nreplicate = "theta"\n[grid]\nthetas = '
    read_thetas = read(tmp_path, head + "[[0, 0.5]]").study.conditions[0]["thetas"]
    assert read_thetas == [0.0, 0.5]
    assert type(read_thetas[0]) is float
    with pytest.raises(ValueError, match="an entry of thetas in the grid must be a number, but is"):
        read(tmp_path, head + '[[0.0, "a"]]')
