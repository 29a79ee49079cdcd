"""pruneproof: does this theorem of compression say anything about my network, how sure are we?"""

__version__ = "0.1.0"
