r"""Batch normalisation at inference, and how it is folded into the layer before it.

    y = eta(scale (x - mean)/sqrt(variance + epsilon) + shift) = eta(gain x + offset),
    gain = scale/sqrt(variance + epsilon),   offset = shift - mean gain,

so that W x + b followed by it is eta((gain W) x + gain b + offset). This module may import NumPy
and array-api-compat only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..arrays import Array, as_real, namespace
from .activations import activate, as_activation
from .common import like, set_checked

if TYPE_CHECKING:
    from .layers import Conv2d, Dense


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """Batch normalisation at inference: eta(scale (x - mean)/sqrt(variance + epsilon) + shift).

    A network folds it into the Dense or Conv2d before it, which must have the identity activation;
    the activation that follows the normalisation is given here.

    Attributes
    ----------
    scale, shift, mean, variance : (channels,) arrays
        Variance at least 0.
    epsilon : float
        Above 0.
    activation : str

    Raises
    ------
    ValueError
        Unequal lengths, a negative variance, an epsilon that is not above 0.
    """

    scale: Array
    shift: Array
    mean: Array
    variance: Array
    epsilon: float = 1e-5
    activation: str = "identity"

    def __post_init__(self) -> None:
        names = ("scale", "shift", "mean", "variance")
        checked = {n: as_real(f"BatchNorm {n}", getattr(self, n), ndim=1) for n in names}
        lengths = {n: int(a.shape[0]) for n, a in checked.items()}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{n} has {length}" for n, length in lengths.items())
            raise ValueError(f"BatchNorm needs four arrays of one length, but {found}")
        lowest = float(namespace(checked["variance"]).min(checked["variance"]))
        if lowest < 0.0:
            raise ValueError(f"BatchNorm variance must be at least 0, but goes down to {lowest:g}")
        epsilon = float(as_real("BatchNorm epsilon", self.epsilon, ndim=0))
        if epsilon <= 0.0:
            raise ValueError(f"BatchNorm epsilon must be above 0, but is {epsilon:g}")
        set_checked(self, epsilon=epsilon, **checked)
        as_activation(self.activation)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.scale.shape[0])

    @property
    def label(self) -> str:
        """Name and width, for messages."""
        return f"BatchNorm({self.channels})"

    @property
    def parameter_count(self) -> int:
        """Scale and shift; the moments are not trained."""
        return 2 * self.channels

    def forward(self, x: Array) -> Array:
        """Normalised vectors or images; channels are axis 1."""
        xp = namespace(x)
        shape = (1, self.channels) + (1,) * (x.ndim - 2)
        gain, offset = self._gain_and_offset()
        gain, offset = like(x, gain), like(x, offset)
        return activate(self.activation, x * xp.reshape(gain, shape) + xp.reshape(offset, shape))

    def _gain_and_offset(self) -> tuple[Array, Array]:
        """Normalisation as x gain + offset."""
        scale = self.scale
        gain = scale / namespace(scale).sqrt(like(scale, self.variance) + self.epsilon)
        return gain, like(scale, self.shift) - like(scale, self.mean) * gain

    def folded_into(self, layer: Dense | Conv2d) -> Dense | Conv2d:
        """One layer which does what `layer` and then this normalisation do."""
        weight = layer.weight
        gain, offset = (like(weight, a) for a in self._gain_and_offset())
        xp = namespace(weight)
        column = xp.reshape(gain, (self.channels,) + (1,) * (weight.ndim - 1))
        return replace(
            layer,
            weight=weight * column,
            bias=like(weight, layer.bias) * gain + offset,
            activation=self.activation,
        )
