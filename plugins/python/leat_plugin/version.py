"""The version of this SDK, and of the protocol that it speaks."""

__version__ = "0.1.0"

SDK = "python " + __version__

PROTOCOL = 1
