"""Command line: `pruneproof verify | claims | explain | falsify | replay | audit | study`.

Exit status: 0 as it should be; 1 a claim that should hold is refuted, or a mutant that must die
survives; 2 the call or its input is wrong (one line on standard error says what); 130 interrupted.
The work is done by the functions named *_command; this file only names the options, so that
`--help` stays quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Does this theorem of network compression say anything about my network, "
    "and how sure are we?",
)


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"pruneproof {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command()
def verify(
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Claim ids or patterns such as 'spectral.D*'.")
    ] = None,
    budget: Annotated[str, typer.Option(help="quick, standard or deep.")] = "quick",
    seed: Annotated[int, typer.Option(help="Seed of searches and trials.")] = 0,
    plan: Annotated[
        str, typer.Option(help="betting, or clopper-pearson with trials fixed before.")
    ] = "betting",
    alpha: Annotated[
        float, typer.Option(help="Error level of all statistical verdicts together.")
    ] = 0.05,
    workers: Annotated[int, typer.Option(help="Processes; verdicts do not depend on it.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the verdicts to this file.")] = None,
    certificates: Annotated[
        Path | None, typer.Option(help="Write certificates to this folder.")
    ] = None,
) -> None:
    """Check claims and say how sure the verdict is."""
    from .verify import verify_command

    status = verify_command(
        patterns or ["*"],
        budget=budget,
        seed=seed,
        plan=plan,
        alpha=alpha,
        workers=workers,
        json_path=json,
        certificates=certificates,
    )
    raise typer.Exit(status)


@app.command()
def claims(
    pattern: Annotated[str, typer.Argument(help="Claim ids, e.g. 'spectral.X*'.")] = "*",
) -> None:
    """List the claims with their statements."""
    from .explain import claims_command

    raise typer.Exit(claims_command(pattern))


@app.command()
def explain(claim: Annotated[str, typer.Argument(help="Claim id, e.g. spectral.X1.")]) -> None:
    """Print one claim: hypotheses, statement, source, how it is checked, the last verdict."""
    from .explain import explain_command

    raise typer.Exit(explain_command(claim))


@app.command()
def falsify(
    claim: Annotated[str, typer.Argument(help="Claim id, e.g. spectral.D6.")],
    mutant: Annotated[
        str | None, typer.Option(help="Name of one of its mutants, as explain shows it.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="Time after which the search is cut.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    save: Annotated[
        Path | None, typer.Option(help="Witness file; default: witness-CLAIM.json in this folder.")
    ] = None,
) -> None:
    """Search long for a counterexample; save it if one is found."""
    from .falsify_command import falsify_command

    raise typer.Exit(falsify_command(claim, mutant=mutant, minutes=minutes, seed=seed, save=save))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A certificate or a witness.")],
) -> None:
    """Check a certificate or a witness again, from its file alone."""
    from .falsify_command import replay_command

    raise typer.Exit(replay_command(file))


@app.command()
def audit(
    model: Annotated[str, typer.Argument(help="'digits', or an .npz file of layers.")],
    data: Annotated[
        str | None, typer.Argument(help=".npz file with inputs and, if any, targets.")
    ] = None,
    widths: Annotated[
        str | None, typer.Option(help="Widths to try, e.g. 8,16,32; default: a geometric grid.")
    ] = None,
    budget: Annotated[
        float, typer.Option(help="Loss budget as a share of the loss of keeping nothing.")
    ] = 0.1,
    theta: Annotated[
        float | None,
        typer.Option(
            help="1 weighs the input loss, 0 the output loss.", show_default="0.1, as compress"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of training, splits and sampling.")] = 0,
    report: Annotated[
        str | None,
        typer.Option(
            help="Figure file; .svg and .png are both written; default: audit-MODEL in this folder."
        ),
    ] = None,
    json: Annotated[str | None, typer.Option(help="Write all figures to this file.")] = None,
) -> None:
    """Put the theory beside what pruning does to a trained network."""
    from pruneproof.theory.network.widths import DEFAULT_THETA

    from .audit_command import audit_command

    status = audit_command(
        model,
        data,
        widths=None if widths is None else _whole_numbers("--widths", widths),
        budget=budget,
        theta=DEFAULT_THETA if theta is None else theta,
        seed=seed,
        report=report,
        json_path=json,
    )
    raise typer.Exit(status)


def _whole_numbers(option: str, text: str) -> list[int]:
    try:
        return [int(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise ValueError(f"{option} must be whole numbers such as 8,16,32, not {text!r}") from None


study = typer.Typer(help="Run simulation studies, and read what they left in their ledgers.")
app.add_typer(study, name="study")

_Study = Annotated[str, typer.Argument(help="Name of a study, or a .toml file.")]
_Kept = Annotated[str, typer.Argument(help="Name of a study, a .toml file, or a ledger.")]
_Ledger = Annotated[Path | None, typer.Option(help="Ledger; default: STUDY.ledger in this folder.")]


@study.command("list")
def study_list() -> None:
    """List the studies that come with pruneproof."""
    from .study_command import list_command

    raise typer.Exit(list_command())


@study.command("run")
def study_run(
    study: _Study,
    ledger: _Ledger = None,
    workers: Annotated[int, typer.Option(help="Processes; records do not depend on it.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler whose workers compute, tcp://host:port.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small grid, in a ledger of its own.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Root of all random streams; default: the file's, or 0.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again, once, what raised before.")
    ] = False,
    precision: Annotated[
        str | None,
        typer.Option(help="ENTRY=ERROR: stop each condition once the standard error is no larger."),
    ] = None,
) -> None:
    """Compute what the ledger lacks; run again to go on after an interruption."""
    from .study_command import run_command

    status = run_command(
        study,
        ledger=ledger,
        workers=workers,
        scheduler=scheduler,
        quick=quick,
        seed=seed,
        retry=retry,
        precision=precision,
    )
    raise typer.Exit(status)


@study.command("status")
def study_status(study: _Kept, ledger: _Ledger = None) -> None:
    """Show what a ledger holds, and what raised."""
    from .study_command import status_command

    raise typer.Exit(status_command(study, ledger=ledger))


@study.command("export")
def study_export(
    study: _Kept,
    ledger: _Ledger = None,
    to: Annotated[
        Path | None, typer.Option(help=".csv, .parquet or .nc file; default: STUDY.csv.")
    ] = None,
) -> None:
    """Write the records of a ledger to a file for other programs."""
    from .study_command import export_command

    raise typer.Exit(export_command(study, ledger=ledger, to=to))


@study.command("plot")
def study_plot(
    study: _Kept,
    ledger: _Ledger = None,
    to: Annotated[Path | None, typer.Option(help=".svg or .png file; default: STUDY.svg.")] = None,
) -> None:
    """Draw the figure of a study from its ledger."""
    from .study_command import plot_command

    raise typer.Exit(plot_command(study, ledger=ledger, to=to))


#: What typer raises where words, options or their values do not fit a command.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


def main() -> None:
    """Run the command line; what is wrong with the call becomes one line and status 2."""
    if sys.stdout is None:  # closed by the caller, as by >&- in a shell: nobody reads
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (for as long as the program runs)
    try:
        if len(sys.argv) < 2:
            app(["--help"])
        status = app(standalone_mode=False)
    except _USAGE_ERROR as error:
        message = " ".join(error.format_message().split()).rstrip(".")  # type: ignore[attr-defined]
        sys.stderr.write(f"pruneproof: {message}; see pruneproof --help\n")
        sys.exit(2)
    except OSError as error:
        place = error.filename or "the output"
        sys.stderr.write(f"pruneproof: {place} fails: {error.strerror or error}\n")
        sys.exit(2)
    except (ValueError, TypeError) as error:
        sys.stderr.write(f"pruneproof: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        status = 130
    except SystemExit as stopped:
        # rich and typer leave with 1 when the reader of our output has gone, which would say that
        # a claim is refuted; a shell says 141 for a program that a closed pipe ended
        status = 141 if stopped.code == 1 else stopped.code
    if status == 130:
        sys.stderr.write("pruneproof: interrupted\n")
    sys.exit(status)
