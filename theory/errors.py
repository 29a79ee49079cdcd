"""Exceptions and warnings: a premise that fails, a block that is singular."""


class InapplicableError(ValueError):
    """A theorem's premise fails; the message says which one and by how much."""


class RankDeficientWarning(UserWarning):
    """A block of kept nodes was singular, so a pseudo-inverse of the stated rank was used."""
