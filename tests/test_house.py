"""The house: arrows run downwards, every package is shipped, nothing heavy loads at import."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pruneproof
from pruneproof import proofs_check, simulations, theory

FLOORS = {"theory": 0, "simulations": 1, "proofs_check": 2, "toolkit": 3}
HOMES = {
    "theory": Path(theory.__file__).parent,
    "simulations": Path(simulations.__file__).parent,
    "proofs_check": Path(proofs_check.__file__).parent,
}
CHECKOUT = Path(__file__).parent.parent


def sources(floor: str) -> list[Path]:
    return sorted(HOMES[floor].rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Absolute modules that a file imports anywhere, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("floor", sorted(HOMES))
def test_arrows_run_downwards(floor: str) -> None:
    for path in sources(floor):
        for module in imported(path):
            if module.startswith("pruneproof."):
                room = (module.split(".") + ["", ""])[1]
                above = FLOORS.get(room, FLOORS["toolkit"])
                assert above <= FLOORS[floor], f"{path} imports {module}"


def test_theory_does_no_input_or_output() -> None:
    for path in sources("theory"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "open"}, f"{path} calls {node.func.id}"
        allowed = {"numpy", "scipy", "numba", "array_api_compat", "pruneproof", "cupy"}
        for module in imported(path):
            root = module.split(".")[0]
            assert root in allowed or root in sys.stdlib_module_names, f"{path} imports {module}"


def test_nobody_seeds_the_global_generator() -> None:
    for floor in HOMES:
        for path in sources(floor):
            assert "np.random.seed" not in path.read_text(encoding="utf-8"), path


def test_public_names_are_documented_and_annotated() -> None:
    for module in (theory, proofs_check, pruneproof):
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing):
                continue
            assert inspect.getdoc(thing), f"{module.__name__}.{name} has no docstring"
            if inspect.isfunction(thing):
                signature = inspect.signature(thing)
                assert signature.return_annotation is not signature.empty, name
                for parameter in signature.parameters.values():
                    assert parameter.annotation is not parameter.empty, f"{name}({parameter})"


def test_every_module_imports() -> None:
    for module in (theory, simulations, proofs_check, pruneproof):
        for found in pkgutil.walk_packages(module.__path__, module.__name__ + "."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def test_import_is_light() -> None:
    """`import pruneproof` loads none of the heavy packages; `.theory` none but NumPy."""
    code = (
        "import sys, pruneproof; print(sorted({m.split('.')[0] for m in sys.modules}));"
        "import pruneproof.theory; print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    lines = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    heavy = {"scipy", "numba", "matplotlib", "hypothesis", "typer", "rich", "sklearn", "cupy"}
    for line in lines:
        assert not heavy & set(ast.literal_eval(line))


@pytest.mark.skipif(not (CHECKOUT / "setup.cfg").exists(), reason="runs in the checkout only")
def test_setup_names_every_package() -> None:
    import configparser

    config = configparser.ConfigParser()
    config.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    found = {"pruneproof"}
    for floor, home in HOMES.items():
        for init in home.rglob("__init__.py"):
            inner = init.parent.relative_to(home).parts
            found.add(".".join(("pruneproof", floor, *inner)))
    assert listed == found
