r"""What a perturbation D = W - Wh does to singular values, subspaces and low-rank parts.

S1  |sig_i(W) - sig_i(Wh)| <= ||D||_2 (Weyl);  (sum_i |sig_i(W) - sig_i(Wh)|^2)^{1/2} <= ||D||_F
    (Mirsky)
S2  leading k-dimensional left and right singular subspaces U, V, gap = sig_k - sig_{k+1}: the
    larger sine of their largest angles is at most ||D||_2/(gap - ||D||_2) where ||D||_2 < gap, and
    always at most 2 ||D||_2/gap (Wedin); ||sin Theta(V)||_F <= 2 (2 sig_1 + ||D||_2) min(sqrt k
    ||D||_2, ||D||_F)/(sig_k^2 - sig_{k+1}^2) (Yu, Wang, Samworth)
S3  X_k the best rank-k part, A = W, B = Wh, N = A - B (after Achlioptas, McSherry):
    ||A - B_k||_2 <= ||A - A_k||_2 + 2 ||N||_2
    ||A - B_k||_F <= (||A - A_k||_F^2 + 4 ||N_k||_F ||A_k||_F)^{1/2} + ||N_k||_F

S3 in the Frobenius norm: Q the projector on the left space of B_k has ||Q A||_F >= ||A_k||_F -
2 ||N_k||_F; then ||Q N||_F <= ||N_k||_F.

Source: statements S1 [derived], S2 [recalled, tested], S3 [derived]. NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, frobenius_norm, to_numpy
from ..bounds.bound import Bound

Floats = NDArray[np.float64]


def singular_value_shift(weight: Any, perturbed: Any, *, norm: str = "spectral") -> float:
    """Largest |sig_i(W) - sig_i(Wh)| ("spectral"), or the root of their sum of squares.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
    norm : {"spectral", "frobenius"}

    Raises
    ------
    ValueError
        Shapes that differ, another norm.

    Notes
    -----
    Statement S1 [derived].
    """
    w, wh = _pair(weight, perturbed)
    shift = np.linalg.svd(w, compute_uv=False) - np.linalg.svd(wh, compute_uv=False)
    return float(np.max(np.abs(shift))) if _is_spectral(norm) else frobenius_norm(shift)


def singular_value_bound(weight: Any, perturbed: Any, *, norm: str = "spectral") -> Bound:
    """Weyl's bound ||D||_2 on every singular value's shift, or Mirsky's ||D||_F on all together.

    Trivial is sig_1(W) + sig_1(Wh), or ||W||_F + ||Wh||_F.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
        W and Wh.
    norm : {"spectral", "frobenius"}

    Raises
    ------
    ValueError
        As :func:`singular_value_shift`.

    Notes
    -----
    Statement S1 [derived].
    """
    w, wh = _pair(weight, perturbed)
    size = _spectral_norm if _is_spectral(norm) else frobenius_norm
    value, trivial = size(w - wh), size(w) + size(wh)
    return Bound(
        "sparsity.S1", value, trivial, {}, f"shift of the singular values, {norm}; certain"
    )


def subspace_sines(weight: Any, perturbed: Any, rank: int) -> tuple[Floats, Floats]:
    """Sines of the principal angles of the leading left and right subspaces, descending, (k,) each.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
        W and Wh.
    rank : int
        k, from 1 to min(m, n).

    Raises
    ------
    ValueError
        Shapes that differ, a rank outside 1..min(m, n).

    Notes
    -----
    Statement S2.
    """
    w, wh = _pair(weight, perturbed)
    k = as_count("rank", rank, most=min(w.shape))
    (u, _, vt), (uh, _, vht) = (np.linalg.svd(x, full_matrices=False) for x in (w, wh))
    return _sines(u[:, :k], uh[:, :k]), _sines(vt[:k].T, vht[:k].T)


def wedin_bound(weight: Any, perturbed: Any, rank: int) -> Bound:
    r"""Largest sine of the angles between the leading subspaces, by the smaller of two forms.

    ||D||_2/(gap - ||D||_2) where ||D||_2 < gap, and 2 ||D||_2/gap always.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
        W and Wh.
    rank : int
        k, from 1 to min(m, n).

    Returns
    -------
    Bound
        The smaller of the two; `trivial` 1. `terms` hold the gap, both forms, and ||D||_2; the
        bound says something from ||D||_2 < gap/2 on. A gap of 0 gives infinity.

    Raises
    ------
    ValueError
        As :func:`subspace_sines`.

    Notes
    -----
    Statement S2 (Wedin 1972).
    """
    w, wh = _pair(weight, perturbed)
    gap = _gap(w, as_count("rank", rank, most=min(w.shape)), 1)
    size = float(np.linalg.norm(w - wh, 2))
    always = 2.0 * size / gap if gap > 0.0 else math.inf
    sharp = size / (gap - size) if size < gap else math.inf
    terms = {"gap": gap, "perturbation": size, "sharp": sharp, "always": always}
    note = "largest sine of the leading left and right subspaces; certain"
    return Bound("sparsity.S2", min(sharp, always), 1.0, terms, note)


def yu_wang_samworth_bound(weight: Any, perturbed: Any, rank: int) -> Bound:
    r"""||sin Theta||_F of the leading right subspaces, from the gap of the squares.

    2 (2 sig_1 + ||D||_2) min(sqrt k ||D||_2, ||D||_F)/(sig_k^2 - sig_{k+1}^2); trivial sqrt k, or
    sqrt min(k, n - k) where it is less.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
        W and Wh.
    rank : int
        k, from 1 to min(m, n).

    Raises
    ------
    ValueError
        As :func:`subspace_sines`.

    Notes
    -----
    Statement S2 (Yu, Wang and Samworth 2015 [recalled]).
    """
    w, wh = _pair(weight, perturbed)
    k = as_count("rank", rank, most=min(w.shape))
    size, largest = _spectral_norm(w - wh), _spectral_norm(w)
    shift = min(math.sqrt(k) * size, frobenius_norm(w - wh))
    gap = _gap(w / largest, k, 2) if largest > 0.0 else 0.0  # squares of singular values up to 1
    value = 2.0 * (2.0 + size / largest) * (shift / largest) / gap if gap > 0.0 else math.inf
    trivial = math.sqrt(min(k, w.shape[1] - k))
    note = "Frobenius norm of the sines of the leading right subspaces; certain"
    terms = {"gap of squares": gap * largest * largest, "shift": shift}
    return Bound("sparsity.S2", value, trivial, terms, note)


def low_rank_error(weight: Any, perturbed: Any, rank: int, *, norm: str = "spectral") -> float:
    """||A - B_k||, B_k the best rank-k part of the perturbed matrix.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
        W and Wh.
    rank : int
        k, from 0 to min(m, n).
    norm : {"spectral", "frobenius"}

    Raises
    ------
    ValueError
        As :func:`subspace_sines`.

    Notes
    -----
    Statement S3 [derived].
    """
    a, b = _pair(weight, perturbed)
    k = as_count("rank", rank, least=0, most=min(a.shape))
    u, sig, vt = np.linalg.svd(b, full_matrices=False)
    left = a - (u[:, :k] * sig[:k]) @ vt[:k]
    return _spectral_norm(left) if _is_spectral(norm) else frobenius_norm(left)


def low_rank_error_bound(
    weight: Any, perturbed: Any, rank: int, *, norm: str = "spectral"
) -> Bound:
    r"""Bound on ||A - B_k|| by the error of A's own best part and the perturbation N = A - B.

    Parameters
    ----------
    weight, perturbed : (m, n) arrays
        W and Wh.
    rank : int
        k, from 0 to min(m, n).
    norm : {"spectral", "frobenius"}

    Returns
    -------
    Bound
        `trivial` is ||A||, the error of no approximation; `terms` hold the optimum ||A - A_k||, and
        in the Frobenius norm the looser additive form.

    Raises
    ------
    ValueError
        As :func:`subspace_sines`.

    Notes
    -----
    Statement S3 [derived]; Achlioptas and McSherry 2007.
    """
    a, b = _pair(weight, perturbed)
    k = as_count("rank", rank, least=0, most=min(a.shape))
    sig, noise = (np.linalg.svd(x, compute_uv=False) for x in (a, a - b))
    note = f"{norm} norm of A minus the best rank-{k} part of B; certain"
    if _is_spectral(norm):
        optimum = float(sig[k]) if k < sig.size else 0.0
        terms = {"optimum": optimum, "noise": 2.0 * float(noise[0])}
        return Bound("sparsity.S3", sum(terms.values()), float(sig[0]), terms, note)
    optimum = frobenius_norm(sig[k:])
    part, own = frobenius_norm(noise[:k]), frobenius_norm(sig[:k])
    cross = 2.0 * math.sqrt(part) * math.sqrt(own)
    value = math.hypot(optimum, cross) + part
    terms = {"optimum": optimum, "additive": optimum + part + cross}
    return Bound("sparsity.S3", value, frobenius_norm(sig), terms, note)


def rank_one_interlacing(weight: Any, update: Any) -> float:
    """Least slack of sig_{i+1}(W) <= sig_i(W + R) and sig_{i+1}(W + R) <= sig_i(W), R of rank one.

    At least 0 up to rounding, as for one step of stochastic gradient descent on one sample; inf of
    a single singular value.

    Parameters
    ----------
    weight, update : (m, n) arrays
        W and R.

    Raises
    ------
    ValueError
        Shapes that differ.

    Notes
    -----
    Statement S13 [derived], Weyl.
    """
    w, r = _pair(weight, update)
    before, after = (np.linalg.svd(x, compute_uv=False) for x in (w, w + r))
    slack = np.concatenate([after[:-1] - before[1:], before[:-1] - after[1:]])
    return float(slack.min()) if slack.size else math.inf


def _pair(weight: Any, perturbed: Any) -> tuple[Floats, Floats]:
    """Two matrices of one shape, on the host."""
    w = to_numpy(as_real("weight", weight, ndim=2))
    wh = to_numpy(as_real("perturbed", perturbed, ndim=2))
    if w.shape != wh.shape:
        raise ValueError(f"perturbed must have the shape {w.shape} of weight, but has {wh.shape}")
    return w, wh


def _is_spectral(norm: str) -> bool:
    """Which of the two norms is asked for."""
    if norm not in ("spectral", "frobenius"):
        raise ValueError(f"norm must be spectral or frobenius, but is {norm!r}")
    return norm == "spectral"


def _sines(a: Floats, b: Floats) -> Floats:
    """Sines of the angles between two column spaces, from the part of b outside a."""
    outside = b - a @ (a.T @ b)
    return np.asarray(np.minimum(np.linalg.svd(outside, compute_uv=False), 1.0))


def _spectral_norm(w: Floats) -> float:
    """||W||_2."""
    return float(np.linalg.norm(w, 2))


def _gap(w: Floats, k: int, power: int) -> float:
    """sig_k^power - sig_{k+1}^power, sig beyond full rank 0."""
    sig = np.append(np.linalg.svd(w, compute_uv=False), 0.0)
    return float(sig[k - 1] ** power - sig[k] ** power)
