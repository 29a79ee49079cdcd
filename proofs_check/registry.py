"""Registry: every claim under its id, one file a family of statements."""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .claim import Claim, Kind, Parameters
from .mutants import Mutant
from .sides import Sides

#: Modules of ``proofs_check.claims``.
FAMILIES = (
    "identities",
    "changes",
    "residual",
    "degrees",
    "volume",
    "best_nodes",
    "readers",
    "network",
    "submodularity",
    "counterexamples",
    "sampling",
    "bernstein",
    "sampled_network",
    "rates",
    "concentration",
    "generalization",
    "lemmas",
    "matrix_lemmas",
    "small_lemmas",
    "small_identities",
    "laws",
    "determinantal",
    "dpp",
    "dpp_sized",
    "dpp_residual",
    "failure",
    "power_laws",
    "laws_of_chance",
    "effective_ridge",
    "spiked",
    "pruned_committees",
    "replicated_committees",
    "copied_units",
    "sampled_spectra",
    "edge_laws",
    "committee_counterexamples",
    "committee_machines",
    "logged_losses",
    "committee_floors",
    "sparsity_tails",
    "sparsity_numbers",
    "sparsity_indices",
    "sparsity_retained",
    "sparsity_rounds",
    "sparsity_backward",
    "sparsity_dictionaries",
    "sparsity_neurons",
    "sparsity_surgeon",
    "sparsity_layers",
    "sparsity_allocation",
    "sparsity_networks",
    "neighbours_widths",
    "neighbours_signals",
    "neighbours_errors",
    "sparsification_perturbation",
    "sparsification_dropping",
    "sparsification_sampling",
    "sparsification_concentration",
    "sparsification_coherence",
    "sparsification_spectra",
    "sparsification_graphs",
)

#: Instance -> Sides, or (instance, rng) -> Sides; more keyword arguments are its constants.
Statement = TypeVar("Statement", bound=Callable[..., Sides])

_claims: dict[str, Claim] = {}


def register(
    claim_id: str,
    kind: Kind,
    make: Callable[..., Any],
    space: Mapping[str, Any],
    examples: Iterable[Parameters] = (),
    mutants: Iterable[Mutant] = (),
) -> Callable[[Statement], Statement]:
    """Decorator that enters a statement in the registry; see :class:`Claim` for the arguments.

    Raises
    ------
    ValueError
        The id is taken, or the docstring lacks a head.
    """

    def enter(evaluate: Statement) -> Statement:
        if claim_id in _claims:
            raise ValueError(f"claim {claim_id} is registered twice")
        _claims[claim_id] = Claim(
            claim_id, kind, evaluate, make, space, tuple(examples), tuple(mutants)
        )
        return evaluate

    return enter


def claims(pattern: str = "*") -> list[Claim]:
    """Claims whose id matches `pattern` (shell wildcards, case counts), sorted by id."""
    for family in FAMILIES:
        importlib.import_module(f".claims.{family}", __package__)
    names = sorted(_claims, key=_in_order)
    return [_claims[name] for name in names if fnmatch.fnmatchcase(name, pattern)]


def _in_order(claim_id: str) -> list[tuple[str, int]]:
    """Sort key that counts numbers as numbers: X9 comes before X10."""
    return [(word, int(number or 0)) for word, number in re.findall(r"(\D+)(\d*)", claim_id)]


def matching(patterns: Iterable[str]) -> list[Claim]:
    """Claims that match any of `patterns`, each once; every pattern must match some claim.

    Raises
    ------
    ValueError
        A pattern matches no claim; the message names close ids.
    """
    wanted: set[str] = set()
    for pattern in patterns:
        found = {claim.id for claim in claims(pattern)}
        if not found:
            raise ValueError(f"no claim matches {pattern!r}{_suggestion(pattern)}")
        wanted |= found
    return [claim for claim in claims() if claim.id in wanted]


def _suggestion(pattern: str) -> str:
    """Ids close to a pattern that matched nothing, by the whole id or by its last part."""
    ids = [claim.id for claim in claims()]
    wanted = pattern.lower()
    same = [name for name in ids if wanted in (name.lower(), name.lower().partition(".")[2])]
    close = same or difflib.get_close_matches(pattern, ids, n=3, cutoff=0.6)
    if close:
        return f"; did you mean {', '.join(close)}?"
    return "; `pruneproof claims` lists them"
