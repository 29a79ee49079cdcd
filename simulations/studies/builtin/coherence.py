r"""Where the law of the sampled loss holds, and where coherent nodes break it.

The eigenvalues j^{-a} are put in random places and mixed by uniform rotations of blocks of nodes:
blocks of one node leave the second moment diagonal, one block of all nodes makes it incoherent.
k draws by leverage at lam with N(lam) = k/2; law L2 says L^A ~ kappa N(kappa), its score chi says
when to believe it (chi <= .12), and only for incoherent nodes is it near the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import BLACK, GREY, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, means, measured, styled, values, where
from .layers import block_rotated

NODES, EXPONENT = 256, 2.0
TITLE = (
    f"Law of the sampled loss and coherence, {NODES} nodes with power-law eigenvalues "
    f"(exponent {EXPONENT:g})"
)
GRID: dict[str, list[Any]] = {"block": [1, 2, 4, 16, 64, 256], "draws": [16, 32, 64]}
REPLICATES = 100
QUICK: dict[str, Any] = {"grid": {"block": [1, 16, 256], "draws": [16, 64]}, "replicates": 10}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Loss over its law, and the coherence score, of one layer and one draw."""
    mu, k = power_law(NODES, EXPONENT), int(parameters["draws"])
    spectrum = theory.decompose(block_rotated(mu, int(parameters["block"]), rng))
    cov = (spectrum.eigenvectors * spectrum.eigenvalues) @ spectrum.eigenvectors.T
    lam = theory.ridge_for_degrees_of_freedom(mu, k / 2)
    drawn = theory.select_leverage(spectrum, k, lam, rng=rng)
    law = theory.sampled_law(spectrum, lam, k)
    loss = theory.information_loss(cov, drawn.kept, ridge=drawn.ridge)
    return {"ratio": loss / law.value, "chi": law.coherence}


def figure(records: Records) -> Any:
    """Measured loss over its law, against the size of the blocks and against the score."""
    by_block: list[Curve] = []
    by_score: list[Curve] = []
    for k, colour, marker in styled(records, "draws"):
        mine, name = where(records, draws=k), f"k = {k} draws"
        by_block.append(measured(mine, "block", "ratio", name, colour, marker))
        _, scores, _ = means(mine, "block", "chi")
        _, ratios, errors = means(mine, "block", "ratio")
        by_score.append(Curve(name, scores, ratios, "measured", colour, marker, errors))
    blocks, scores = values(records, "block"), [x for curve in by_score for x in curve.x]
    tops = [y for curve in by_score for y in curve.y if y is not None]
    law, warning = "law of the sampled loss (L2)", theory.COHERENCE_WARNING
    by_block.append(Curve(law, [blocks[0], blocks[-1]], [1.0, 1.0], "law", BLACK))
    by_score.append(Curve(law, [min(scores), max(scores)], [1.0, 1.0], "law", BLACK))
    by_score.append(
        Curve(rf"warning, $\chi$ = {warning:g}", [warning] * 2, [1.0, max(tops)], "bound", GREY)
    )
    y = r"measured $L^A$ / law $\kappa N(\kappa)$"
    panels = [
        Panel("by construction", "nodes mixed by one rotation", y, by_block, y_log=False),
        Panel("by score", r"coherence score $\chi$", y, by_score, y_log=False, x_log=False),
    ]
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("coherence", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
