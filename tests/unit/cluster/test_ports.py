"""Ports are found free, and a taken one is named."""

import socket

import pytest

from polyloop.cluster.ports import free_ports, require_free
from polyloop.errors import ClusterError


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        require_free("127.0.0.1", port, fix="none")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_port_in_use_is_named_with_what_to_do(host: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ClusterError) as caught:
            require_free(host, port, fix="set another serving.port")
    assert f"port {port} on {host}" in caught.value.message
    assert caught.value.message.endswith("; set another serving.port")


def test_a_host_that_is_none_of_this_machine_is_named() -> None:
    with pytest.raises(ClusterError, match=r"on 192\.0\.2\.1 cannot be used"):
        require_free("192.0.2.1", 8000, fix="set another serving.host")
