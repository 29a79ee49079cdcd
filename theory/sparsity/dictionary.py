r"""Sparse approximation from any dictionary: existence (T4), orthogonal greedy algorithm (A9, T5).

f = sum c_j f_j in a Hilbert space, t = (sum (|c_j| ||f_j||)^q)^{1/q}, 0 < q <= 1. For every m >= 1
there are m terms, with coefficients of l_1 size at most t in units ||f_j||, and

    error <= K(q,m) t m^{1/2-1/q},  K(q,m) = m^{1/q-1/2} min_{0<=k<m} kappa_k/sqrt(m-k),    (T4)
    kappa_0 = 1,  kappa_k = sup_{K>k} (K-k) K^{-1/q}.

Proof: keep the k largest |c_j| ||f_j|| exactly, the rest has l_1 mass D <= kappa_k t; draw m - k
terms D sign(c_j) f_j/||f_j|| with probability |c_j| ||f_j||/D; then E error^2 =
(D^2 - ||rest||^2)/(m-k). sup_q K(q,2) = 1.07533..., and no other m up to 400 comes near it on a
fine grid of q: K <= 1.0754 is a numerical certificate, not a proof. [derived]

Gao, Ing and Yang 2013, Theorem 2, prints the constant 2 T_p for any p [seen]; for Hilbert spaces it
holds with 1.08, while its printed proof loses a factor 2^{1/q-1/2}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_generator, as_real, as_ridge, to_numpy
from ..bounds.bound import Bound
from .indices import exponential, log_norms
from .stechkin import log_kappa
from .top import top_entries

Floats = NDArray[np.float64]


def dictionary_constant(q: float, terms: int) -> float:
    r"""K(q, m) of T4; K(q, 1) = K(1, m) = 1, never above 1.0754 where looked.

    Parameters
    ----------
    q : float
        In (0, 1].
    terms : int
        m >= 1.

    Raises
    ------
    ValueError
        q outside (0, 1], m not a whole number of at least 1.
    """
    order, m = _as_order(q), as_count("terms", terms)
    best = min(log_kappa(k, math.inf, order, 1.0) - 0.5 * math.log(m - k) for k in range(m))
    return math.exp((1.0 / order - 0.5) * math.log(m) + best)


def dictionary_bound(coefficients: Any, norms: Any, terms: int, q: float) -> Bound:
    r"""Bound K(q, m) t m^{1/2-1/q} on the error of the best m terms, correlated or not (T4).

    Parameters
    ----------
    coefficients, norms : (N,) arrays
        c_j and ||f_j||.
    terms : int
        m >= 1.
    q : float
        In (0, 1].

    Returns
    -------
    Bound
        Terms: the constant K and t. Trivial value sum |c_j| ||f_j||, by the triangle inequality.

    Raises
    ------
    ValueError
        Shapes that do not fit, negative norms, q outside (0, 1].
    """
    order, m = _as_order(q), as_count("terms", terms)
    sizes = _sizes(coefficients, norms)
    log_t = float(log_norms(sizes, order))
    constant = dictionary_constant(order, m)
    value = constant * exponential(log_t + (0.5 - 1.0 / order) * math.log(m))
    note = "error of some m terms, refitted or not; certain that such terms exist"
    return Bound(
        "sparsity.T4", value, float(np.sum(sizes)), {"K": constant, "t": exponential(log_t)}, note
    )


def sampled_terms(coefficients: Any, norms: Any, terms: int, kept: int, *, rng: Any) -> Floats:
    r"""Coefficients of T4's proof: `kept` largest terms exactly, the rest as `terms - kept` draws.

    Parameters
    ----------
    coefficients, norms : (N,) arrays
    terms : int
        m >= 1.
    kept : int
        k, from 0 to m - 1.
    rng : seed or Generator

    Returns
    -------
    (N,) array
        At most m entries other than 0, unbiased.

    Raises
    ------
    ValueError
        Shapes that do not fit, numbers out of range.
    """
    c, sizes, mask, draws = _split(coefficients, norms, terms, kept)
    rest = np.where(mask, 0.0, sizes)
    mass = float(np.sum(rest))
    out = np.where(mask, c, 0.0)
    if mass > 0.0:
        counts = as_generator(rng).multinomial(draws, rest / mass)
        scale = np.where(rest > 0.0, np.abs(c) / np.where(rest > 0.0, rest, 1.0), 0.0)
        out = out + mass / draws * counts * scale * np.sign(c)
    return np.asarray(out)


def sampled_error(gram: Any, coefficients: Any, terms: int, kept: int) -> float:
    r"""Mean squared error (D^2 - ||rest||^2)/(m - k) of :func:`sampled_terms`, exact.

    Parameters
    ----------
    gram : (N, N) array
        Inner products of the f_j.
    coefficients : (N,) array
    terms, kept : int

    Raises
    ------
    ValueError
        Shapes that do not fit, numbers out of range.
    """
    inner = to_numpy(as_real("gram", gram, ndim=2))
    norms = np.sqrt(np.clip(np.diag(inner), 0.0, None))
    c, sizes, mask, draws = _split(coefficients, norms, terms, kept)
    rest = np.where(mask, 0.0, c)
    mass = float(np.sum(np.where(mask, 0.0, sizes)))
    return max(0.0, mass * mass - float(rest @ inner @ rest)) / draws


@dataclass(frozen=True, eq=False)
class GreedyApproximation:
    """Orthogonal greedy approximation.

    Attributes
    ----------
    kept : (m,) array of int
        Atoms in the order chosen.
    coefficients : (m,) array
        Of those atoms, in their own units.
    errors : (m + 1,) array
        Norm of the residual before the first and after every step.
    """

    kept: NDArray[np.int64]
    coefficients: Floats
    errors: Floats


def orthogonal_greedy(
    dictionary: Any, target: Any, terms: int, *, tolerance: float = 0.0
) -> GreedyApproximation:
    r"""Orthogonal greedy algorithm (OMP): add the atom closest in angle to the residual (A9).

    Parameters
    ----------
    dictionary : (n, N) array
        Atoms as columns, of any norm; zero atoms are never chosen.
    target : (n,) array
    terms : int
        At most so many steps, from 0 to N.
    tolerance : float
        Stop where the residual's norm is at most this.

    Returns
    -------
    GreedyApproximation
        Fewer steps where the residual vanishes, to rounding.

    Raises
    ------
    ValueError
        Shapes that do not fit, a number of steps out of range, a negative tolerance.

    Notes
    -----
    T5 (DeVore and Temlyakov [recalled]): with f = sum c_j f_j over UNIT atoms, the error after m
    steps is at most ||c||_1 (m+1)^{-1/2}; claim sparsity.I-9. Ties: lower index.
    """
    atoms = to_numpy(as_real("dictionary", dictionary, ndim=2))
    f = to_numpy(as_real("target", target, ndim=1))
    if f.size != atoms.shape[0]:
        raise ValueError(f"target must have {atoms.shape[0]} entries, but has {f.size}")
    steps = as_count("terms", terms, least=0, most=atoms.shape[1])
    limit = as_ridge(tolerance, name="tolerance")
    lengths = np.linalg.norm(atoms, axis=0)
    unit = atoms / np.where(lengths > 0.0, lengths, 1.0)
    residual, basis = f.copy(), np.zeros((steps, f.size))
    kept: list[int] = []
    errors = [float(np.linalg.norm(f))]
    floor = max(limit, 8 * np.finfo(np.float64).eps * errors[0])
    while len(kept) < steps and errors[-1] > floor:
        scores = np.abs(residual @ unit)
        scores[kept] = 0.0
        best = int(np.argmax(scores))
        done = basis[: len(kept)]
        direction = unit[:, best].copy()
        for _ in range(2):  # twice is enough for orthogonality to rounding
            direction -= done.T @ (done @ direction)
        length = float(np.linalg.norm(direction))
        if scores[best] == 0.0 or length < 1e-12:
            break
        basis[len(kept)] = direction / length
        residual = residual - basis[len(kept)] * float(basis[len(kept)] @ residual)
        kept.append(best)
        errors.append(float(np.linalg.norm(residual)))
    index = np.array(kept, dtype=np.int64)
    found = np.linalg.lstsq(unit[:, index], f, rcond=None)[0] if kept else np.zeros(0)
    return GreedyApproximation(index, found / lengths[index], np.array(errors))


def greedy_bound(l1_norm: float, terms: int) -> Bound:
    """Bound ||c||_1 (m+1)^{-1/2} of T5 on the error of :func:`orthogonal_greedy`.

    Parameters
    ----------
    l1_norm : float
        sum |c_j| ||f_j|| of some expansion of the target.
    terms : int
        m >= 0.

    Raises
    ------
    ValueError
        A negative norm or number.
    """
    size, m = as_ridge(l1_norm, name="l1_norm"), as_count("terms", terms, least=0)
    note = "error of the orthogonal greedy algorithm; certain"
    return Bound("sparsity.T5", size / math.sqrt(m + 1), size, {"l1": size}, note)


def _split(
    coefficients: Any, norms: Any, terms: int, kept: int
) -> tuple[Floats, Floats, NDArray[np.bool_], int]:
    m = as_count("terms", terms)
    k = as_count("kept", kept, least=0, most=m - 1)
    sizes = _sizes(coefficients, norms)
    mask = np.asarray(top_entries(sizes, min(k, sizes.size)))
    return to_numpy(as_real("coefficients", coefficients)), sizes, mask, m - k


def _sizes(coefficients: Any, norms: Any) -> Floats:
    c = to_numpy(as_real("coefficients", coefficients, ndim=1))
    lengths = to_numpy(as_real("norms", norms, ndim=1))
    if lengths.shape != c.shape or float(np.min(lengths)) < 0.0:
        raise ValueError(
            f"norms must be {c.size} numbers of at least 0, but have shape {lengths.shape} and "
            f"smallest entry {np.min(lengths):g}"
        )
    return np.asarray(np.abs(c) * lengths)


def _as_order(q: float) -> float:
    order = float(as_real("q", q, ndim=0))
    if not 0.0 < order <= 1.0:
        raise ValueError(f"q must be above 0 and at most 1, but is {order:g}")
    return order
