r"""Bounds from a held-out sample, and Occam's bound: what to put beside any uniform bound.

    Clopper-Pearson   the largest p with P(Bin(n, p) <= k) >= delta
    G3                E_P g^2 <= 2 mean g^2 + 2 B^2 log(1/delta)/n',   |g| <= B, fresh sample
    K8 (Occam)        L <= Lhat + sqrt(c/(2n)),  or kl(Lhat || L) <= c/n,
                      c = ln C(d,s) + s b ln 2 + ln(d+1) + ln(1/delta)

K8 holds for all s-sparse b-bit predictors of d weights at once. Claims spectral.G3 and
sparsity.K8 [D]; this module may import arrays only (scipy inside functions).
"""

from __future__ import annotations

import math

from ..arrays import as_count, as_probability, as_ridge
from .bound import Bound


def held_out_bound(errors: int, n: int, *, delta: float = 0.05) -> Bound:
    r"""Clopper-Pearson upper limit of an error rate, from `errors` among n held-out samples.

    The p with P(Bin(n, p) <= errors) = delta; 1 if every sample is an error. Exact coverage of
    at least 1 - delta for a network that does not depend on the sample (Clopper, Pearson 1934).

    Parameters
    ----------
    errors : int
        From 0 to n.
    n : int
    delta : float

    Raises
    ------
    ValueError
        Counts out of range, delta outside (0, 1).
    """
    from scipy.stats import beta

    count = as_count("n", n)
    k = as_count("errors", errors, least=0, most=count)
    level = as_probability("delta", delta)
    value = 1.0 if k == count else float(beta.isf(level, k + 1, count - k))
    rate = k / count
    note = f"error rate, w.p. >= 1 - {level:g} over {count} held-out samples"
    terms = {"empirical": rate, "deviation": value - rate}
    return Bound("held-out.clopper-pearson", value, 1.0, terms, note)


def holdout_transfer_bound(
    mean_square: float, n: int, *, bound: float, delta: float = 0.05
) -> Bound:
    r"""Population mean square from a fresh sample: E_P g^2 <= 2 mean g^2 + 2 B^2 log(1/delta)/n.

    With g = ||f^ - f#|| it bounds what compression changed on the population, so the risk of the
    UNPRUNED network: Psi(f^) <= Psi(f#) + rho sqrt(E_P g^2), see :func:`uncompressed_risk`.

    Parameters
    ----------
    mean_square : float
        Mean of g^2 over n samples that neither network depends on.
    n : int
    bound : float
        B >= |g| on the whole population.
    delta : float

    Returns
    -------
    Bound
        The trivial value is B^2.

    Raises
    ------
    ValueError
        A mean square above B^2 or negative, counts out of range.

    Notes
    -----
    Claim spectral.G3 [D]: the lower tail of nonnegative summands, exp(-n t^2/(2 E g^4)), with
    E g^4 <= B^2 E g^2. The idea of bounding non-compressed nets is that of arXiv 1909.11274.
    """
    square = as_ridge(mean_square, name="mean_square")
    largest = as_ridge(bound, name="bound", positive=True) ** 2
    if square > largest * (1.0 + 1e-12):
        raise ValueError(f"mean_square {square:g} is above bound^2 = {largest:g}; raise the bound")
    count, level = as_count("n", n), as_probability("delta", delta)
    deviation = 2.0 * largest * math.log(1.0 / level) / count
    note = f"population mean of g^2, w.p. >= 1 - {level:g} over {count} fresh samples"
    terms = {"empirical": 2.0 * square, "deviation": deviation}
    return Bound("spectral.G3", 2.0 * square + deviation, largest, terms, note)


def uncompressed_risk(compressed: Bound, transfer: Bound, *, lipschitz: float) -> Bound:
    """Risk of the unpruned network: Psi(f#) + rho sqrt(E_P ||f^ - f#||^2).

    Parameters
    ----------
    compressed : Bound
        On Psi(f#).
    transfer : Bound
        Of :func:`holdout_transfer_bound`; the failure probabilities of both add.
    lipschitz : float
        rho of the loss.
    """
    step = as_ridge(lipschitz, name="lipschitz") * math.sqrt(transfer.value)
    terms = {"compressed": compressed.value, "transfer": step}
    note = f"risk of the unpruned network; {compressed.note}; {transfer.note}"
    return Bound("spectral.G3", compressed.value + step, compressed.trivial, terms, note)


def occam_bound(
    empirical_risk: float, n: int, *, size: int, nonzeros: int, bits: float, delta: float = 0.05
) -> Bound:
    r"""Risk of every sparse predictor: Lhat + sqrt(c/(2n)).

    c = ln C(d,s) + s b ln 2 + ln(d+1) + ln(1/delta).

    Parameters
    ----------
    empirical_risk : float
        Lhat of a loss in [0, 1] over n iid samples.
    n : int
    size, nonzeros : int
        d weights in all, of which s are not zero (any places, chosen from the data).
    bits : float
        b bits a nonzero weight.
    delta : float

    Returns
    -------
    Bound
        Terms: the empirical risk, the deviation, and the parts of the price in nats.

    Raises
    ------
    ValueError
        Figures out of range.

    Notes
    -----
    Claim sparsity.K8 [D]: Hoeffding and a union bound; ln(d+1) pays for choosing s.
    """
    risk, count, price = _occam(empirical_risk, n, size, nonzeros, bits, delta)
    deviation = math.sqrt(sum(price.values()) / (2.0 * count))
    terms = {"empirical": risk, "deviation": deviation} | price
    note = f"risk of every sparse predictor, w.p. >= 1 - {delta:g} over {count} samples"
    return Bound("sparsity.K8", risk + deviation, 1.0, terms, note)


def occam_kl_bound(
    empirical_risk: float, n: int, *, size: int, nonzeros: int, bits: float, delta: float = 0.05
) -> Bound:
    """Occam's bound in its sharper form: the largest L with kl(Lhat || L) <= price/n.

    Chernoff in place of Hoeffding, so never above :func:`occam_bound` (Pinsker); same parameters,
    errors and terms.
    """
    risk, count, price = _occam(empirical_risk, n, size, nonzeros, bits, delta)
    value = kl_inverse(risk, sum(price.values()) / count)
    terms = {"empirical": risk, "deviation": value - risk} | price
    note = f"risk of every sparse predictor, w.p. >= 1 - {delta:g} over {count} samples"
    return Bound("sparsity.K8", value, 1.0, terms, note)


def description_length_bound(
    empirical_risk: float, n: int, *, bits: float, delta: float = 0.05
) -> Bound:
    r"""Risk of a predictor of some bits in a prefix-free code.

    kl^{-1}(Lhat, (bits ln 2 + ln(2 sqrt n/delta))/n).

    The form in which compression bounds are quoted. Its ln(2 sqrt n) is not needed for one fixed
    code (Chernoff gives ln 1/delta), so it errs on the safe side. Errors as :func:`occam_bound`.
    """
    risk = _unit_risk(empirical_risk)
    count, level = as_count("n", n), as_probability("delta", delta)
    price = {
        "code": as_ridge(bits, name="bits") * math.log(2.0),
        "confidence": math.log(2.0 * math.sqrt(count) / level),
    }
    value = kl_inverse(risk, sum(price.values()) / count)
    terms = {"empirical": risk, "deviation": value - risk} | price
    note = f"risk of every coded predictor, w.p. >= 1 - {level:g} over {count} samples"
    return Bound("laws.description-length", value, 1.0, terms, note)


def _occam(
    empirical_risk: float, n: int, size: int, nonzeros: int, bits: float, delta: float
) -> tuple[float, int, dict[str, float]]:
    risk = _unit_risk(empirical_risk)
    count = as_count("n", n)
    d = as_count("size", size)
    s = as_count("nonzeros", nonzeros, least=0, most=d)
    places = math.lgamma(d + 1) - math.lgamma(s + 1) - math.lgamma(d - s + 1)
    price = {
        "places": places,
        "values": s * as_ridge(bits, name="bits") * math.log(2.0),
        "sparsity": math.log(d + 1.0),
        "confidence": math.log(1.0 / as_probability("delta", delta)),
    }
    return risk, count, price


def _unit_risk(risk: float) -> float:
    value = as_ridge(risk, name="empirical_risk")
    if value > 1.0:
        raise ValueError(f"empirical_risk must lie in [0, 1], but is {value:g}")
    return value


def kl_divergence(q: float, p: float) -> float:
    """kl(q || p) = q ln(q/p) + (1-q) ln((1-q)/(1-p)) of two coins."""
    total = 0.0
    if q > 0.0:
        total += q * math.log(q / p) if p > 0.0 else math.inf
    if q < 1.0:
        total += (1.0 - q) * (math.log1p(-q) - math.log1p(-p)) if p < 1.0 else math.inf
    return total


def kl_inverse(q: float, nats: float) -> float:
    """Largest p in [q, 1] with kl(q || p) <= nats, rounded up to the next float bracket.

    Raises
    ------
    ValueError
        q outside [0, 1], negative `nats`.
    """
    low, high = _unit_risk(q), 1.0
    allowed = as_ridge(nats, name="nats")
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            return high
        if kl_divergence(q, middle) <= allowed:
            low = middle
        else:
            high = middle
