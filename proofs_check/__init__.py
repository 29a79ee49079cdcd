"""Claims of the theory as objects, and what was found about them.

``claims()`` lists them, ``verify()`` searches for instances that refute them; a claim is evaluated
on an instance which its generator builds, and answers with both sides of the statement.
"""

# The folder is loaded first: loading it later would put the module in the function's place.
from . import claims as _folder  # noqa: F401
from .claim import Claim
from .registry import claims
from .run import verify
from .sides import Sides
from .verdict import Verdict

__all__ = ["Claim", "Sides", "Verdict", "claims", "verify"]
