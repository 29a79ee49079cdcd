"""Commands `claims` and `explain`: the registry of claims on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from pruneproof.proofs_check import Claim

from .console import console, refuse, table, warn
from .verdict_table import in_full, parameters


def claims_command(pattern: str = "*") -> int:
    """List the claims whose id matches `pattern`: id, kind, and what each says in a line."""
    from pruneproof.proofs_check.registry import matching

    try:
        chosen = matching([pattern])
    except ValueError as error:
        return refuse(error)
    rows = table(("claim", "left"), ("kind", "left"), ("says", "left"), whole=True)
    for claim in chosen:
        rows.add_row(claim.id, claim.kind, claim.title)
    console().print(rows)
    return 0


def explain_command(claim_id: str) -> int:
    """Print one claim in full: hypotheses, statement, source, how it is checked, last verdict."""
    from pruneproof.proofs_check.registry import matching

    try:
        chosen = matching([claim_id])
    except ValueError as error:
        return refuse(error)
    if len(chosen) > 1:
        return refuse(f"{claim_id!r} matches {len(chosen)} claims; name one")
    (claim,) = chosen
    screen = console()
    screen.print(f"{claim.id}  ({claim.kind})", style="bold", markup=False)
    screen.print(claim.title, markup=False)
    parts = {
        **claim.sections,
        "How it is checked": "\n".join(_how(claim)),
        "Last verdict": "\n".join(_last(claim)),
    }
    for head, text in parts.items():
        screen.print(f"\n{head}", style="bold")
        screen.print(text, markup=False)
    return 0


def _how(claim: Claim) -> Iterator[str]:
    """Which instances are tried, which mutants must die, and how to do it."""
    known = ", ".join(parameters(case) for case in claim.examples[:4])
    if len(claim.examples) > 4:
        known += f" and {len(claim.examples) - 4} more"
    if claim.by_trials:
        yield f"Independent trials on {len(claim.examples)} frozen instances ({known})."
    else:
        ranges = ", ".join(claim.space)
        yield f"{len(claim.examples)} known cases first ({known}), then a search over {ranges}."
    for mutant in claim.mutants:
        fate = "must die" if mutant.must_die else "may survive"
        yield f"Mutant: {mutant.name} ({fate})."
    yield f"Run: pruneproof verify {claim.id}"


def _last(claim: Claim) -> Iterator[str]:
    """The last verdict in full and the command which repeats it."""
    from .record import last

    try:
        found = last(claim.id)
    except ValueError as error:
        warn(error)
        found = None
    if found is None:
        yield "None on this machine yet."
        return
    yield from in_full(found.verdict)
    yield f"Made by version {found.version} on {found.made} UTC. Again:"
    options = "" if found.plan == "betting" else f" --plan {found.plan}"
    if claim.by_trials:
        options += f" --alpha {found.alpha!r}"  # its share of that run's error level
    yield (
        f"pruneproof verify {claim.id} --budget {found.budget} --seed {found.verdict.seed}{options}"
    )
