"""Free and taken TCP ports of this machine."""

import socket
from contextlib import ExitStack

from polyloop.errors import ClusterError


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


def require_free(host: str, port: int, *, fix: str) -> None:
    """Raise ClusterError if something listens on `host:port` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ClusterError(f"port {port} on {host} cannot be used ({error.strerror}); {fix}") from None
