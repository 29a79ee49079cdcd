"""Networks: layers, the groups of channels that are pruned together, pruning, advised widths."""
