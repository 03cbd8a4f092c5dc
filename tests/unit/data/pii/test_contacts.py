"""E-mail addresses, IP addresses and secrets in URLs."""

import pytest

from polyloop.data.pii.finders import find_personal
from polyloop.spec.cleaning import PiiKind


def found(text: str, kind: PiiKind, locale: str = "en") -> list[str]:
    return [text[span.start : span.end] for span in find_personal(text, locale, (kind,))]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("write to john.doe+news@mail.example.co.uk.", "john.doe+news@mail.example.co.uk"),
        ("<mailto:a@b.org>", "a@b.org"),
        ("邮箱zhangsan@qq.com谢谢", "zhangsan@qq.com"),
        ("**Bob@Example.COM**", "Bob@Example.COM"),
        ("jörg@bücher.de schreibt", "jörg@bücher.de"),
        ("иван@почта.рф", "иван@почта.рф"),
        ("info(at)firma.de", "info(at)firma.de"),
        ("name [at] firma [dot] de", "name [at] firma [dot] de"),
        ("?to=ann@example.com&x=1", "ann@example.com"),
    ],
)
def test_addresses_are_found_whole(text: str, address: str) -> None:
    assert found(text, "email") == [address]


@pytest.mark.parametrize(
    "text", ["@user hello", "5 @ 3.50", "icon@2x.png", "me@home", "a.@b.de", "meet (at) noon", "@.@.com"]
)
def test_what_only_has_an_at_sign_is_no_address(text: str) -> None:
    assert found(text, "email") == []


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "10.1.20.30", "2001:db8:85a3::8a2e:370:7334", "2a02:8109:9c40:1f00:a5b1:1:2:3", "fd12:3456::1"],
)
def test_ip_addresses_of_somebody_are_found(address: str) -> None:
    assert found(f"from {address}, again", "ip") == [address]


@pytest.mark.parametrize(
    "text",
    [
        *("version 10.1.20.30", "v10.1.20.30", "Firmware: 10.1.20.30", "版本10.1.20.30", "1.2.3.4", "10.1.20.30.40"),
        *(
            "127.0.0.1",
            "255.255.255.0",
            "0.0.0.0",
            "256.1.20.30",
            "::1",
            "fe80::1",
            "12:30:45",
            "std::a",
            "10.1.20.300",
        ),
        *("224.0.0.1", "01.02.03.04", "2001:00:11:22:33:44:55:66:77:88", "section 10.1.20.30"),
    ],
)
def test_versions_sections_and_addresses_of_nobody_are_not(text: str) -> None:
    assert found(text, "ip") == []


def test_four_single_digits_are_an_address_beside_a_word_that_says_so() -> None:
    assert found("my IP is 9.8.7.6", "ip") == ["9.8.7.6"]


def test_a_word_that_only_ends_like_version_does_not_hide_an_address() -> None:
    assert found("#bfmtv 172.63.86.200", "ip") == ["172.63.86.200"]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("see https://a.org/x?access_token=abc123&p=2", "abc123"),
        ("https://a.org/x?p=2&amp;sig=Zm9vYmFy.", "Zm9vYmFy"),
        ("ftp://bob:s3cret@host.org/file", "bob:s3cret"),
        ("https://maps.org/js?key=AIzaSyD4b3k2j1h0g9f8e7", "AIzaSyD4b3k2j1h0g9f8e7"),
        ("a.org/p;jsessionid=1A2B3C4D5E6F", "1A2B3C4D5E6F"),
        ("https://hooks.slack.com/services/T0001/B0002/abcdefgh1234", "T0001/B0002/abcdefgh1234"),
        ("https://x.s3.com/a?X-Amz-Signature=0f9e8d7c6b", "0f9e8d7c6b"),
        ("https://a.org/cb#id_token=eyJhbGciOi", "eyJhbGciOi"),
    ],
)
def test_only_the_secret_of_a_url_is_found(text: str, secret: str) -> None:
    assert found(text, "url_token") == [secret]


@pytest.mark.parametrize(
    "text",
    [
        *("https://a.org/x?page=2&key=name", "https://a.org/?code=summer-sale-2020-now", "ssh://git@github.com/a/b"),
        *("the token=abc123 thing", "https://a.org:8080/x", "https://a.org/?q=password&t=home"),
    ],
)
def test_urls_without_secrets_are_left_alone(text: str) -> None:
    assert found(text, "url_token") == []
