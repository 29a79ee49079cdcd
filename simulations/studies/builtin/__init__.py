"""The studies that come with pruneproof: name of a study -> module of this folder that holds it."""

from __future__ import annotations

#: A module is imported when its study is asked for; it holds one Study of that name.
STUDIES: dict[str, str] = {}
