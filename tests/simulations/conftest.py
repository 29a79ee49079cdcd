"""A toy study whose functions worker processes can import too."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

TOY = '''
import os, time
from pathlib import Path

from pruneproof.simulations.studies import Precision, Study, run


def noise(parameters, rng):
    x = parameters["scale"] * rng.standard_normal()
    return {"x": x, "positive": x > 0, "sign": "+" if x > 0 else "-", "pair": [x, 2 * x]}


def logged(parameters, rng):
    """The same, after a while, with a line in the file of that name for each start."""
    line = f"{parameters['scale']} {rng.bit_generator.seed_seq.spawn_key[2]}\\n"
    log = os.open(os.environ["TOY_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, line.encode())
    os.close(log)
    time.sleep(float(os.environ.get("TOY_SECONDS", "0.002")))
    return noise(parameters, rng)


def sometimes_raises(parameters, rng):
    x = rng.random()
    if x < 0.2 and not os.environ.get("TOY_MENDED"):
        raise RuntimeError(f"{x:.3f} is too small")
    return {"x": x}


def kills_its_process(parameters, rng):
    if rng.random() < 0.2:
        os.kill(os.getpid(), 9)
    return {"x": 1.0}


def study(replicate=noise, replicates=20, scales=(1.0, 2.0), name="toy"):
    return Study(name, replicate, {"scale": scales}, replicates, "a toy")


def run_logged(ledger, replicates, workers, told_file):
    """Run the logged study; tell after every commit how many are kept."""
    told = open(told_file, "ab", buffering=0)
    run(study(logged, replicates), ledger, workers=workers,
        told=lambda done, raised, planned: told.write(b"%d\\n" % done))
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Module of the toy study."""
    home = tmp_path / "modules"
    home.mkdir()
    (home / "toy_of_studies.py").write_text(TOY)
    monkeypatch.syspath_prepend(home)
    monkeypatch.delitem(sys.modules, "toy_of_studies", raising=False)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "starts"))
    module = importlib.import_module("toy_of_studies")
    yield module
    sys.modules.pop("toy_of_studies", None)
