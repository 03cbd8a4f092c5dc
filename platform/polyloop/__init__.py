"""Polyloop: task models that get better from their users' feedback, on Ray.

Importing the package does nothing visible; start from the `polyloop` command, from `polyloop.spec.load_spec`, or from
`Client` and `AsyncClient`, which ask a running service and are loaded when they are first named.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polyloop.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__"]

__version__ = "0.1.0"

if not TYPE_CHECKING:  # type checkers see the imports above, and so find names that do not exist

    def __getattr__(name: str) -> Any:
        """Load the clients when they are asked for, so that all else of the package starts without them."""
        if name in ("AsyncClient", "Client"):
            from polyloop import client

            return getattr(client, name)
        raise AttributeError(f"module 'polyloop' has no attribute {name!r}")
