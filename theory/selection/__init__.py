"""Which nodes are kept: greedy, removal, exchange, leverage, volume, and baselines.

Every selector returns a :class:`~pruneproof.theory.Selection` that says in words what it promises.
"""
