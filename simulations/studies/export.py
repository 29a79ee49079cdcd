"""Records for other programs: CSV, Parquet and netCDF files, xarray data sets.

CSV needs nothing; Parquet needs pyarrow (extra `parquet`), the others xarray (extra `xarray`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pruneproof.simulations.files import written_whole

Record = Mapping[str, Any]


def export(
    records: Sequence[Record], parameters: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Write records to a file whose ending says how: .csv, .parquet or .nc (netCDF).

    Parameters
    ----------
    records : sequence of flat mappings
    parameters : sequence of str
        Names of the parameters.
    path : path

    Raises
    ------
    ValueError
        Another ending, a package that is missing, or a folder that cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending == ".csv":
        content = to_csv(records).encode()
    elif ending == ".parquet":
        content = _parquet(records)
    elif ending == ".nc":
        content = bytes(to_xarray(records, parameters).to_netcdf(engine="scipy"))
    else:
        raise ValueError(f"{path} must end in .csv, .parquet or .nc, which says how to write it")
    with written_whole(path) as file:
        file.write(content)


def columns(records: Sequence[Record]) -> list[str]:
    """Names of all entries of the records, in the order in which they come up."""
    return list(dict.fromkeys(name for record in records for name in record))


def to_csv(records: Sequence[Record]) -> str:
    """Records as CSV: shortest digits that give the float64 back, true and false, lists as JSON.

    What a record lacks is an empty field.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    names = columns(records)
    writer.writerow(names)
    for record in records:
        writer.writerow([_field(record.get(name)) for name in names])
    return buffer.getvalue()


def _field(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool | list | tuple) else value


def _parquet(records: Sequence[Record]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            "a .parquet file needs pyarrow, which is not installed; "
            "pip install 'pruneproof[parquet]', or export to .csv"
        ) from None
    values = {name: [record.get(name) for record in records] for name in columns(records)}
    try:
        made = pyarrow.table({name: _column(column) for name, column in values.items()})
    except pyarrow.ArrowException as error:
        raise ValueError(f"records have no common types ({error}); export to .csv") from None
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(made, sink)
    return bytes(sink.getvalue().to_pybytes())


def _column(values: list[Any]) -> list[Any]:
    """Whole numbers among floats become floats, as one column has one type."""
    kinds = {type(value) for value in values if value is not None}
    return [None if v is None else float(v) for v in values] if kinds == {int, float} else values


def to_xarray(records: Sequence[Record], parameters: Sequence[str]) -> Any:
    """Records as a data set: one variable an entry, over the parameters and the replicate.

    Where the conditions are no product, one dimension `condition` stands for the parameters, which
    are coordinates along it. A sequence has a dimension of its own, NAME_place, as long as the
    longest. What is missing is NaN (truth values then being 0.0 and 1.0) or the empty text.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ValueError
        xarray is not installed, or there are no records.
    """
    try:
        import pandas
        import xarray
    except ImportError:
        raise ValueError(
            "xarray is not installed; pip install 'pruneproof[xarray]', or export to .csv"
        ) from None
    if not records:
        raise ValueError("there are no records to export; run the study first")
    places, coordinates = _places(records, parameters)
    index = pandas.MultiIndex.from_tuples(places, names=[*coordinates.pop("index"), "replicate"])
    variables: dict[str, Any] = {}
    for name in columns(records):
        if name in parameters or name == "replicate":
            continue
        values = [record.get(name) for record in records]
        if any(isinstance(value, list | tuple) for value in values):
            wide = pandas.DataFrame([[] if v is None else v for v in values], index=index)
            variables[name] = wide.to_xarray().to_dataarray(dim=f"{name}_place")
        else:
            variables[name] = pandas.Series(_filled(values), index=index).to_xarray()
    return xarray.Dataset(variables).assign_coords(coordinates)


def _places(
    records: Sequence[Record], parameters: Sequence[str]
) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """Where each record goes, the names of the dimensions (`index`), and further coordinates."""
    numbers: dict[str, int] = {}
    for record in records:
        numbers.setdefault(json.dumps([record[name] for name in parameters]), len(numbers))
    conditions = [json.loads(text) for text in numbers]
    axes = [{json.dumps(condition[i]) for condition in conditions} for i in range(len(parameters))]
    listed = any(isinstance(value, list) for condition in conditions for value in condition)
    if math.prod(map(len, axes)) == len(conditions) and not listed:
        rows = [tuple(r[name] for name in (*parameters, "replicate")) for r in records]
        return rows, {"index": parameters}
    labels = [[json.dumps(v) if isinstance(v, list) else v for v in c] for c in conditions]
    along = {
        name: ("condition", [label[i] for label in labels]) for i, name in enumerate(parameters)
    }
    rows = [
        (numbers[json.dumps([record[name] for name in parameters])], record["replicate"])
        for record in records
    ]
    return rows, {"index": ["condition"], **along}


def _filled(values: list[Any]) -> list[Any]:
    """The values with what is missing as NaN or the empty text."""
    if all(value is not None for value in values):
        return values
    if any(isinstance(value, str) for value in values):
        return ["" if value is None else value for value in values]
    return [math.nan if value is None else float(value) for value in values]
