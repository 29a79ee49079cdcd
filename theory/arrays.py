"""Arguments: which array library an input belongs to, and the gates it must pass.

Every public function of :mod:`pruneproof.theory` finds the namespace of its arrays with
array-api-compat and gives back the caller's own kind (NumPy, CuPy, array_api_strict, torch).
Mathematics is done in float64: integer and float32 input is raised, complex and object input is
refused. Inputs are never modified.

This module may import NumPy and array-api-compat only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import array_api_compat
import array_api_compat.numpy
import numpy as np
from numpy.typing import NDArray

#: An array of any library that follows the Array API standard.
Array: TypeAlias = Any
#: A module that follows the Array API standard.
Namespace: TypeAlias = Any
#: From here on a factorisation in packed form saves more time and memory than it costs to change
#: from NumPy's pool of BLAS threads to SciPy's.
_LARGE = 1000
#: What counts as NumPy without asking array-api-compat.
_NUMPY = (np.ndarray, np.generic, float, int, list, tuple)
#: Up to this size a temporary array is cheaper than changing NumPy's error state.
_SMALL = 4096


def namespace(*arrays: Any) -> Namespace:
    """Array namespace of `arrays`; lists, tuples and numbers count as NumPy."""
    if all(isinstance(a, _NUMPY) for a in arrays):  # the usual case, a tenth of the time
        return array_api_compat.numpy
    found = [a for a in arrays if array_api_compat.is_array_api_obj(a)]
    return array_api_compat.array_namespace(*found) if found else array_api_compat.numpy


def is_numpy(xp: Namespace) -> bool:
    """Whether `xp` is NumPy, so that the compiled kernels apply."""
    return bool(array_api_compat.is_numpy_namespace(xp))


def is_cupy(xp: Namespace) -> bool:
    """Whether `xp` is CuPy, so that the GPU kernels apply."""
    return bool(array_api_compat.is_cupy_namespace(xp))


def to_numpy(x: Any) -> NDArray[Any]:
    """Copy of `x` (any library) on the host; NumPy arrays pass unchanged, lists are read."""
    if isinstance(x, np.ndarray) or not array_api_compat.is_array_api_obj(x):
        return np.asarray(x)
    if hasattr(x, "get"):  # CuPy
        return np.asarray(x.get())
    try:
        return np.asarray(x)
    except (TypeError, ValueError):
        return np.from_dlpack(x)


def as_real(
    name: str, x: Any, *, ndim: int | None = None, empty: bool = False, finite: bool = True
) -> Array:
    """Float64 array of `x` in its own library, or one sentence saying why not.

    Parameters
    ----------
    name : str
        What the caller calls the argument, for the message.
    x : array or nested sequence of numbers
    ndim : int, optional
        Number of axes that is required.
    empty : bool
        Whether an array with no entries is allowed.
    finite : bool
        Whether to look for NaN and infinity; False where the caller does so later.

    Raises
    ------
    ValueError
        Ragged, masked, complex, object or string entries; NaN or infinity; the wrong number of
        axes; no entries.
    """
    if isinstance(x, float) and not ndim and math.isfinite(x):
        return np.asarray(x, dtype=np.float64)
    xp = namespace(x)
    if is_numpy(xp):
        if type(x) is not np.ndarray and np.any(getattr(x, "mask", False)):
            raise ValueError(f"{name} has masked entries; fill or drop them first")
        try:
            x = np.asarray(x)
        except ValueError:
            raise ValueError(f"{name} has rows of unequal length; give a full array") from None
        if x.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} has entries of type {x.dtype}; give real numbers (integer or float)"
            )
        x = np.asarray(x, dtype=np.float64)
    else:
        if not xp.isdtype(x.dtype, ("bool", "integral", "real floating")):
            raise ValueError(
                f"{name} has entries of type {x.dtype}; give real numbers (integer or float)"
            )
        x = xp.astype(x, xp.float64, copy=False)
    if ndim is not None and x.ndim != ndim:
        wanted = {0: "be a single number", 1: "have 1 axis"}.get(ndim, f"have {ndim} axes")
        raise ValueError(f"{name} must {wanted}, but has shape {x.shape}")
    if not empty and 0 in x.shape:
        raise ValueError(f"{name} is empty (shape {x.shape}); give at least one entry")
    if finite:
        check_finite(name, x)
    return x


def check_finite(name: str, x: Array) -> None:
    """Refuse NaN and infinity, with their number and the first place.

    The sum of finite entries may overflow but never hides a NaN, so one pass with no temporary
    array decides the usual case.
    """
    xp = namespace(x)
    if isinstance(x, np.ndarray) and x.size <= _SMALL and np.isfinite(x).all():
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if math.prod(x.shape) == 0 or math.isfinite(float(xp.sum(x))):
            return
    bad = ~xp.isfinite(x)
    count = int(xp.sum(xp.astype(bad, xp.int64)))
    if count and x.ndim == 0:
        raise ValueError(f"{name} must be finite, but is {float(x)}")
    if count:
        flat = int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int64)))
        place = tuple(int(i) for i in np.unravel_index(flat, x.shape))
        raise ValueError(
            f"{name} has {count} entries that are NaN or infinite (the first at {place}); "
            "remove or replace them"
        )


def input_eps(x: Any) -> float:
    """Rounding unit of the numbers as they were handed in (float32 input is only that exact)."""
    kind = str(getattr(x, "dtype", "float64"))
    short = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}
    return next((eps for word, eps in short.items() if word in kind), 2.0**-52)


def as_covariance(cov: Any, *, name: str = "cov") -> Array:
    """Gate for second-moment matrices: symmetric and positive semidefinite up to rounding.

    The tolerance is eps * ||cov||_F * m, with eps of the type handed in (float64 or a shorter one):
    the backward error of forming x.T @ x, or U diag(mu) U.T, of that size.

    Parameters
    ----------
    cov : (m, m) array

    Returns
    -------
    (m, m) array
        (cov + cov.T) / 2 in float64; `cov` itself where it is exactly symmetric already.

    Raises
    ------
    ValueError
        Not square, not finite, asymmetric, or indefinite; the figure found is in the message.
    """
    cov, tolerance = as_symmetric(cov, name=name)
    if not _is_semidefinite(cov, tolerance):
        smallest = float(namespace(cov).min(namespace(cov).linalg.eigvalsh(cov)))
        check_semidefinite(smallest, tolerance, name=name)
    return cov


def as_symmetric(cov: Any, *, name: str = "cov") -> tuple[Array, float]:
    """First half of :func:`as_covariance`: the symmetric matrix and eps * ||cov||_F * m.

    For callers that find the eigenvalues anyway and then call :func:`check_semidefinite`.
    """
    eps = input_eps(cov)
    cov = as_real(name, cov, ndim=2)
    xp = namespace(cov)
    m = cov.shape[0]
    if cov.shape[1] != m:
        raise ValueError(f"{name} must be square, but has shape {cov.shape}")
    tolerance = eps * m * frobenius_norm(cov)
    asymmetry = _largest_asymmetry(cov)
    if asymmetry > tolerance:
        raise ValueError(
            f"{name} is not symmetric: the largest |{name} - {name}.T| is {asymmetry:.3g}, where "
            f"rounding allows {tolerance:.3g}; symmetrise it if that is meant"
        )
    if asymmetry > 0.0:
        cov = (cov + xp.matrix_transpose(cov)) / 2
    return cov, tolerance


def check_semidefinite(smallest: float, tolerance: float, *, name: str = "cov") -> None:
    """Refuse a smallest eigenvalue below -tolerance, with both figures."""
    if smallest < -tolerance:
        raise ValueError(
            f"{name} is not positive semidefinite: its smallest eigenvalue is {smallest:.3g}, "
            f"where rounding allows {-tolerance:.3g}; give a positive semidefinite one"
        )


def frobenius_norm(x: Array) -> float:
    """Root of the sum of squares of any array, scaled first where they would overflow or vanish."""
    xp = namespace(x)
    with np.errstate(over="ignore", under="ignore"):
        norm = float(xp.linalg.vector_norm(x))
    if 1e-140 < norm < math.inf or math.prod(x.shape) == 0:
        return norm
    peak = float(xp.max(xp.abs(x)))
    return peak * float(xp.linalg.vector_norm(x / peak)) if peak > 0.0 else 0.0


def _largest_asymmetry(cov: Array, tile: int = 128) -> float:
    """Largest |cov - cov.T|, by tiles that stay in cache; most are symmetric to the bit."""
    xp = namespace(cov)
    m = cov.shape[0]
    largest = 0.0
    for top in range(0, m, tile):
        rows = slice(top, min(top + tile, m))
        for left in range(0, top + 1, tile):
            columns = slice(left, min(left + tile, m))
            below, above = cov[rows, columns], xp.matrix_transpose(cov[columns, rows])
            if not bool(xp.all(below == above)):
                largest = max(largest, float(xp.max(xp.abs(below - above))))
    return largest


def _is_semidefinite(cov: Array, tolerance: float) -> bool:
    """Whether cov + tolerance has a Cholesky factor: m^3/3 instead of the eigenvalues."""
    xp = namespace(cov)
    if is_numpy(xp) and cov.shape[0] > _LARGE:
        from scipy.linalg.lapack import dpftrf

        n, packed = _packed_lower(cov, tolerance)
        return int(dpftrf(n, packed, transr="N", uplo="L", overwrite_a=True)[1]) == 0
    try:
        factor = xp.linalg.cholesky(cov + xp.eye(cov.shape[0], dtype=xp.float64) * tolerance)
    except np.linalg.LinAlgError:
        return False
    return math.isfinite(float(xp.sum(factor)))  # CuPy answers NaN where NumPy raises


def _packed_lower(cov: Array, shift: float) -> tuple[int, NDArray[np.float64]]:
    """Lower triangle of cov + shift in LAPACK's rectangular full packed form: half the memory.

    Row r of the (n/2, n + 1) array is row n/2 + r of the trailing block up to its diagonal, then
    row r of cov from its diagonal on. An odd order is bordered by one more node of its own.
    """
    m = cov.shape[0]
    n = m + m % 2
    half = n // 2
    packed = np.zeros((half, n + 1))
    for r in range(half):
        trailing = half + r
        if trailing < m:
            packed[r, : r + 1] = cov[trailing, half : trailing + 1]
        else:
            packed[r, r] = 1.0
        packed[r, r + 1 : m + 1] = cov[r, r:]
    rows = np.arange(half)
    packed[rows, rows] += shift
    packed[rows, rows + 1] += shift
    return n, packed.reshape(-1)


def as_ridge(ridge: Any, *, name: str = "ridge", positive: bool = False) -> float:
    """One ridge as a float: finite and at least 0 (above 0 where `positive`)."""
    value = float(as_real(name, ridge, ndim=0))
    if value < 0 or (positive and value == 0):
        bound = "above 0" if positive else "at least 0"
        raise ValueError(f"{name} must be {bound}, but is {value:g}")
    return value


def as_node_ridge(ridge: Any, m: int, xp: Namespace, *, length: str = "width") -> Array:
    """Node-wise ridge tau, (m,): a scalar is repeated; every entry finite and at least 0."""
    tau = as_real("ridge", ridge)
    if tau.ndim == 0:
        return xp.full(m, as_ridge(ridge), dtype=xp.float64)
    if tau.shape != (m,):
        raise ValueError(f"ridge must be a scalar or have shape ({m},) ({length}), not {tau.shape}")
    smallest = float(namespace(tau).min(tau))
    if smallest < 0:
        raise ValueError(f"ridge must be at least 0, but its smallest entry is {smallest:g}")
    return tau if namespace(tau) is xp else xp.asarray(to_numpy(tau))


def as_theta(theta: Any) -> float:
    """Mixture weight theta in [0, 1]."""
    value = float(as_real("theta", theta, ndim=0))
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"theta must lie in [0, 1], but is {value:g}")
    return value


def as_probability(name: str, p: Any) -> float:
    """Probability strictly between 0 and 1."""
    value = float(as_real(name, p, ndim=0))
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must lie strictly between 0 and 1, but is {value:g}")
    return value


def as_count(name: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """Whole number from `least` to `most`."""
    try:
        number = int(value)
        exact = bool(number == value) and not isinstance(value, bool | np.bool_)
        exact &= getattr(value, "ndim", 0) == 0  # NumPy 2.0 takes [3] for 3
    except (TypeError, ValueError, OverflowError):
        exact = False
        number = 0
    if not exact:
        raise ValueError(f"{name} must be a whole number, but is {value!r}")
    if number < least or (most is not None and number > most):
        upper = "" if most is None else f" and at most {most}"
        raise ValueError(f"{name} must be at least {least}{upper}, but is {number}")
    return number


def as_width(width: Any, m: int) -> int:
    """Number of kept nodes, from 1 to m."""
    return as_count("width", width, least=1, most=m)


def as_kept(kept: Any, m: int) -> NDArray[np.int64]:
    """Kept nodes J as distinct host indices in [0, m), in the order given.

    Raises
    ------
    ValueError
        None kept, an index that is not whole or out of range (negative ones too), a repeat, a mask.
    """
    try:
        raw = to_numpy(kept if array_api_compat.is_array_api_obj(kept) else list(kept))
    except (TypeError, ValueError):  # no sequence, or rows of unequal length
        raise ValueError(f"kept must be a flat list of nodes, but is {kept!r:.60}") from None
    if raw.ndim != 1 or raw.size == 0:
        raise ValueError(f"kept must be a list of at least one node, but has shape {raw.shape}")
    if raw.dtype.kind not in "iu":
        hint = "; of a mask give np.flatnonzero(mask)" if raw.dtype.kind == "b" else ""
        raise ValueError(
            f"kept must hold whole node indices, but has entries of type {raw.dtype}{hint}"
        )
    wrong = raw[(raw < 0) | (raw >= m)]
    if wrong.size:
        raise ValueError(f"kept names node {int(wrong[0])}, but the layer has nodes 0 to {m - 1}")
    index = raw.astype(np.int64)
    nodes, counts = np.unique(index, return_counts=True)
    if nodes.size < index.size:
        twice = int(nodes[np.argmax(counts)])
        raise ValueError(
            f"kept names node {twice} {int(counts.max())} times; merge repeats first "
            "(1/ridge = sum of their 1/ridge_i)"
        )
    return index


def as_output_weights(output_weights: Any, m: int, xp: Namespace) -> Array:
    """Matrix Z (p, m) which consumes the m features."""
    z = as_real("output_weights", output_weights, ndim=2)
    if z.shape[1] != m:
        raise ValueError(
            f"output_weights must have {m} columns, one a node, but has shape {z.shape}"
        )
    return z if namespace(z) is xp else xp.asarray(to_numpy(z))


def as_generator(
    rng: int
    | Sequence[int]
    | np.random.SeedSequence
    | np.random.BitGenerator
    | np.random.Generator
    | None,
) -> np.random.Generator:
    """Generator of `rng` by ``np.random.default_rng`` (SPEC 7); None seeds from the system.

    Raises
    ------
    ValueError
        What NumPy takes for no seed, such as a negative or a fractional number.
    """
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(
            f"rng must be a numpy.random.Generator, a whole number of at least 0, or None, not "
            f"{rng!r:.60}"
        ) from None
