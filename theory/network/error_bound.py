r"""B1 on a pruned network: how the layers' errors add up at the output, where the theorem applies.

    ||f - f#||_n <= sum_l (prod_{l'>l} ||W#^{l'}||_op) r_l,
    r_l^2 = Tr W^l_{J_{l+1}} R_l (W^l_{J_{l+1}})^T,

R_l the measured second moment of the residual phi^l - A phi^l_J - c on the original network's
features. Claim spectral.B1 [D]; it speaks of chains of Dense layers whose activations are
1-Lipschitz. The last activation may be any such as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..arrays import namespace
from ..bounds.bound import Bound
from ..bounds.network import network_error_bound
from .activations import LIPSCHITZ
from .compressed import BothRuns, CompressedLayer
from .layers import Dense, like
from .network import Network


def chain_error_bound(
    original: Network, pruned: Network, layers: Sequence[CompressedLayer], runs: BothRuns
) -> tuple[Bound | None, str]:
    """Bound on ||f - f#||_n with what it says, or None with the reason why there is none."""
    for place, layer in enumerate(original.layers):
        if not isinstance(layer, Dense):
            return None, (
                "B1 is stated for chains of Dense layers, but layer "
                f"{place} is {layer.label}: read the measured error"
            )
        if LIPSCHITZ[layer.activation] > 1.0:
            return None, (
                f"B1 needs 1-Lipschitz activations, but {layer.activation} of layer {place} has "
                f"Lipschitz constant {LIPSCHITZ[layer.activation]:.4g}: read the measured error"
            )
    weights = [layer.weight for layer in pruned.layers[1:] if isinstance(layer, Dense)]
    following = [site.selection.kept for site in layers[1:]]
    errors = []
    for place, site in enumerate(layers):
        fold = site.folds[0]
        z = fold.reader.output_weights
        xp = namespace(z)
        if place < len(following):  # only rows that the next site keeps
            z = xp.take(z, like(z, following[place]), axis=0)
        squares = (z @ runs.residual_moments[fold.reader.path]) * z
        errors.append(math.sqrt(max(float(xp.sum(squares)), 0.0)))
    bound = network_error_bound(weights, errors, trivial=runs.output_norm)
    return bound, bound.note
