"""The service and the key come from arguments, else from the environment; importing the client is cheap."""

import subprocess
import sys

import pytest

import polyloop
from polyloop.client import AsyncClient, Client
from polyloop.client.options import target
from polyloop.errors import ClientError
from polyloop.spec.settings import settings


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment without an address or a key; what a test sets is read again."""
    for name in ("POLYLOOP_API_URL", "POLYLOOP_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def test_arguments_go_before_the_environment(environment):
    environment.setenv("POLYLOOP_API_URL", "http://there:1/under")
    environment.setenv("POLYLOOP_API_KEY", "plk_environment")
    found = target(None, None)
    assert found.base_url == "http://there:1/under/"
    assert found.headers["Authorization"] == "Bearer plk_environment"
    found = target("https://here/", "plk_argument")
    assert (found.base_url, found.headers["Authorization"]) == ("https://here/", "Bearer plk_argument")


def test_without_an_address_the_message_says_how_to_give_one():
    with pytest.raises(ClientError, match="POLYLOOP_API_URL"):
        Client()


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://here", "http://", "http://here:port", "here"])
def test_what_is_no_address_is_told_at_once(url):
    with pytest.raises(ClientError, match="is none"):
        Client(url)


@pytest.mark.parametrize("key", ["plk_\nX-Admin: yes", "钥匙"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key):
    with pytest.raises(ClientError) as caught:
        AsyncClient("http://here", key)
    assert key not in str(caught.value)


def test_health_can_be_asked_without_a_key():
    assert "Authorization" not in target("http://here", None).headers


def test_a_target_does_not_show_its_key():
    assert "plk_secret" not in repr(target("http://here", "plk_secret"))


def test_the_package_offers_its_clients_and_nothing_else():
    assert (polyloop.Client, polyloop.AsyncClient) == (Client, AsyncClient)
    with pytest.raises(AttributeError, match="Server"):
        _ = polyloop.Server  # type: ignore[attr-defined]


def test_importing_the_client_takes_no_heavy_package():
    heavy = ("torch", "ray", "transformers", "numpy", "sqlalchemy", "fastapi")
    code = f"from polyloop import Client; import sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_alone_does_not_load_the_client():
    code = "import polyloop, sys; print('polyloop.client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
