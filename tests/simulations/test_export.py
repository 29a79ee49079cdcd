"""Exports give every number back, to the last bit."""

from __future__ import annotations

import builtins
import csv
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pruneproof.simulations.studies import to_xarray, write_records
from pruneproof.simulations.studies.export import to_csv

RECORDS: list[dict[str, Any]] = [
    {"width": w, "kind": k, "replicate": r, "x": 0.1 * w + r / 3, "good": w > r,
     "p": [w / 3, 1e-300], "note": "a, \"b\"\nü"}
    for w in (8, 16) for k in ("a", "b") for r in range(2)
]  # fmt: skip
PARAMETERS = ["width", "kind"]


def needs(package: str) -> Any:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed (an extra)")


def test_csv_gives_every_bit_back(tmp_path: Path) -> None:
    write_records(RECORDS, PARAMETERS, tmp_path / "r.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_bytes().decode(), newline="")))
    assert len(rows) == len(RECORDS)
    for row, record in zip(rows, RECORDS):
        assert float(row["x"]) == record["x"]
        assert json.loads(row["p"]) == record["p"]
        assert json.loads(row["good"]) is record["good"]
        assert (row["kind"], row["note"], int(row["width"])) == (
            record["kind"],
            record["note"],
            record["width"],
        )


def test_csv_of_ragged_records() -> None:
    assert to_csv([{"a": 1}, {"b": 2.5, "a": 3}]) == "a,b\n1,\n3,2.5\n"
    assert to_csv([]) == "\n"


@needs("pyarrow")
def test_parquet_gives_every_bit_back(tmp_path: Path) -> None:
    import pyarrow.parquet

    write_records(RECORDS, PARAMETERS, tmp_path / "r.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "r.parquet").to_pylist() == RECORDS
    mixed: list[dict[str, Any]] = [{"a": 1, "x": 2}, {"a": 2, "x": 0.5}, {"a": 3}]
    write_records(mixed, ["a"], tmp_path / "m.parquet")
    back = pyarrow.parquet.read_table(tmp_path / "m.parquet").to_pylist()
    assert back == [{"a": 1, "x": 2.0}, {"a": 2, "x": 0.5}, {"a": 3, "x": None}]
    with pytest.raises(ValueError, match=r"no common types.*\.csv"):
        write_records([{"x": "text"}, {"x": 1.0}], [], tmp_path / "bad.parquet")


@needs("xarray")
def test_a_product_has_a_dimension_for_each_parameter() -> None:
    made = to_xarray(RECORDS, PARAMETERS)
    assert made["x"].dims == ("width", "kind", "replicate")
    assert set(made["p"].dims) == {"width", "kind", "replicate", "p_place"}
    for record in RECORDS:
        place = {name: record[name] for name in (*PARAMETERS, "replicate")}
        assert float(made["x"].sel(place)) == record["x"]
        assert made["p"].sel(place).values.tolist() == record["p"]
        assert bool(made["good"].sel(place)) is record["good"]
        assert made["note"].sel(place).item() == record["note"]


@needs("xarray")
def test_listed_conditions_have_one_dimension() -> None:
    records: list[dict[str, Any]] = [
        {"a": 1, "b": [1, 2], "replicate": 0, "x": 0.5, "p": [1.0]},
        {"a": 1, "b": [3], "replicate": 0, "x": 1.5, "p": [1.0, 2.0]},
        {"a": 2, "b": [3], "replicate": 1, "good": True},
    ]
    made = to_xarray(records, ["a", "b"])
    assert made["x"].dims == ("condition", "replicate")
    assert made["a"].values.tolist() == [1, 1, 2]
    assert made["b"].values.tolist() == ["[1, 2]", "[3]", "[3]"]
    assert float(made["x"].sel(condition=1, replicate=0)) == 1.5
    assert bool(made["x"].isnull().sel(condition=2, replicate=1))
    assert made["p"].sel(condition=1, replicate=0).values.tolist() == [1.0, 2.0]


@needs("xarray")
def test_netcdf_gives_the_numbers_back(tmp_path: Path) -> None:
    import xarray

    write_records(RECORDS, PARAMETERS, tmp_path / "r.nc")
    with xarray.open_dataset(tmp_path / "r.nc", engine="scipy") as made:
        for record in RECORDS:
            place = {name: record[name] for name in (*PARAMETERS, "replicate")}
            assert float(made["x"].sel(place)) == record["x"]
    with pytest.raises(ValueError, match="no records"):
        write_records([], [], tmp_path / "none.nc")


@pytest.mark.parametrize(
    ("ending", "package", "extra"), [("parquet", "pyarrow", "parquet"), ("nc", "xarray", "xarray")]
)
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, package: str, extra: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=rf"pruneproof\[{extra}\]") as error:
        write_records(RECORDS, PARAMETERS, tmp_path / f"r.{ending}")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_ending_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.csv"):
        write_records(RECORDS, PARAMETERS, tmp_path / "r.xls")
    with pytest.raises(ValueError, match="nowhere"):
        write_records(RECORDS, PARAMETERS, tmp_path / "nowhere" / "r.csv")
