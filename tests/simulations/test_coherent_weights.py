"""Moments of the weights: share, size and mean sign of the small ones."""

import numpy as np
import pytest

from pruneproof.simulations.coherent_weights import coherent_weights


@pytest.mark.parametrize("coherence", [0.0, 0.6, 1.0])
def test_small_weights_have_the_mean_sign(coherence: float) -> None:
    """40000 entries: five standard errors of the means of signs and sizes."""
    w = coherent_weights(coherence, rng=1)
    assert w.shape == (200, 200)
    # of N(0, 1) .1192 are below .15, at either sign
    inside = np.abs(w) < 0.15
    share = 0.9 + 0.1 * 0.1192
    assert inside.mean() == pytest.approx(share, abs=5 * (share * (1 - share)) ** 0.5 / 200)
    mean = 0.9 / share * coherence
    assert np.sign(w[inside]).mean() == pytest.approx(mean, abs=5 / 190)
    assert np.abs(w[inside]).mean() == pytest.approx(0.075, abs=5 * 0.0434 / 190)


def test_draws_replay_and_arguments_are_checked() -> None:
    assert np.array_equal(
        coherent_weights(0.5, size=3, rng=2), coherent_weights(0.5, size=3, rng=2)
    )
    with pytest.raises(ValueError, match=r"coherence must lie in \[0, 1\], but is 1\.5"):
        coherent_weights(1.5, rng=0)
    with pytest.raises(ValueError, match="small must lie"):
        coherent_weights(1.0, small=-0.1, rng=0)
