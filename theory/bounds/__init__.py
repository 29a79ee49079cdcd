"""Right-hand sides: what a layer, a network and its risk cannot exceed, and with which probability.

One layer: `layer` (floors and ceilings), `paper` and `sampling` (leverage sampling), `rates` (power
laws), `advice` (widths for an error budget). A network: `network`, `sampled_network`, `transfer`.
Its risk: `network_class`, `generalization`, `margin`, `held_out`. Each statement is evaluated as a
`bound.Bound`; a premise that fails raises `InapplicableError`.
"""
