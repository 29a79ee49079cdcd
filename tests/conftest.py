"""Array libraries and structured second-moment matrices shared by all tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

settings.register_profile(
    "pruneproof",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("pruneproof")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--verdicts",
        metavar="FILE",
        help="what `pruneproof verify --json FILE` wrote; without it all claims are verified anew",
    )


def _read_only(x: Any) -> NDArray[Any]:
    out = np.array(x)
    out.flags.writeable = False
    return out


def _strict(x: Any) -> Any:
    import array_api_strict

    return array_api_strict.asarray(np.asarray(x))


def _cupy(x: Any) -> Any:
    import cupy

    return cupy.asarray(np.asarray(x))


def why_no_gpu() -> str:
    """Why the tests cannot run on CuPy; empty where a GPU answers."""
    try:
        import cupy
    except ImportError:
        return "CuPy is not installed"
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return "CuPy is installed, but no GPU answers"
    return ""


BACKENDS: dict[str, Callable[[Any], Any]] = {
    "numpy": np.array,
    "read-only": _read_only,
    "strict": _strict,
}
NO_GPU = why_no_gpu()
if not NO_GPU:
    BACKENDS["cupy"] = _cupy


@pytest.fixture
def gpu() -> Callable[[Any], Any]:
    """Turn a NumPy array into a CuPy one; skips, with the reason, where there is no GPU."""
    if NO_GPU:
        pytest.skip(NO_GPU)
    return _cupy


@pytest.fixture(params=sorted(BACKENDS))
def to_backend(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Turn a NumPy array into an array of one library (read-only NumPy counts as one)."""
    return BACKENDS[request.param]


def second_moment_of(family: str, m: int, seed: int = 0) -> NDArray[np.float64]:
    """Second-moment matrix of one structured family, trace about m."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((m, m)))[0]
    j = np.arange(1, m + 1)
    if family == "diagonal":
        return np.diag(1.0 * j**-1.5)
    if family == "flat":
        return np.eye(m)
    if family == "rank-one":
        v = rng.standard_normal(m)
        return np.outer(v, v)
    if family == "duplicated":
        x = rng.standard_normal((3 * m, (m + 1) // 2))
        x = np.concatenate([x, x], axis=1)[:, :m]
        return x.T @ x / len(x)
    if family == "spiked":
        v = rotation[:, 0]
        return np.eye(m) + 20.0 * np.outer(v, v)
    if family == "block":
        half = m // 2
        cov = np.zeros((m, m))
        cov[:half, :half] = 0.9
        cov[half:, half:] = 0.5
        return cov + 0.1 * np.eye(m)
    if family == "ill-conditioned":
        cov = (rotation * np.exp(-24.0 * (j - 1) / max(m - 1, 1))) @ rotation.T
        return (cov + cov.T) / 2
    if family == "power-law":
        cov = (rotation * 1.0 * j**-2.0) @ rotation.T
        return (cov + cov.T) / 2
    raise ValueError(family)


FAMILIES = (
    "diagonal",
    "flat",
    "rank-one",
    "duplicated",
    "spiked",
    "block",
    "ill-conditioned",
    "power-law",
)


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Callable[[int], NDArray[np.float64]]:
    """Maker of second-moment matrices, one structured family after the other."""
    name: str = request.param
    return lambda m, seed=0: second_moment_of(name, m, seed)
