"""The site: Markdown pages."""

from __future__ import annotations

import pruneproof

project = "pruneproof"
copyright = "2026, the pruneproof developers"
release = version = pruneproof.__version__
extensions = ["myst_parser"]
html_theme = "furo"
