"""The GPU path: CuPy arrays in, CuPy arrays out, the same answers as NumPy.

Every test with the `to_backend` fixture runs on CuPy too where a GPU answers; this one says, with
the reason, when none did.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory
from pruneproof.theory.arrays import is_cupy, namespace, to_numpy


def test_a_layer_on_the_gpu(gpu) -> None:
    cov = np.diag(np.arange(1.0, 41.0) ** -2.0)
    kept = theory.select_greedy(gpu(cov), 5).kept
    assert is_cupy(namespace(kept))
    assert sorted(to_numpy(kept)) == [0, 1, 2, 3, 4]
    volume = theory.select_volume(gpu(cov), 5, rng=0)
    loss = theory.information_losses(gpu(cov), to_numpy(volume.kept)[None, :])
    expected = theory.information_loss(cov, to_numpy(volume.kept))
    assert abs(float(loss[0]) - expected) <= 1e3 * np.finfo(float).eps * np.trace(cov)
