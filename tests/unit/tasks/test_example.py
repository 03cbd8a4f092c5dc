"""The identity of an example."""

import hashlib

from polyloop.tasks.example import example_id


def test_id_is_blake2b_128_of_the_joined_fields() -> None:
    expected = hashlib.blake2b(b"mood\x1fen\x1fen\x1fgood day", digest_size=16).hexdigest()
    assert example_id("mood", "en", "en", "good day") == expected
    assert len(expected) == 32


def test_every_field_is_part_of_the_id() -> None:
    fields = [
        ("a", "en", "de", "x"),
        ("b", "en", "de", "x"),
        ("a", "fr", "de", "x"),
        ("a", "en", "fr", "x"),
        ("a", "en", "de", "y"),
    ]
    assert len({example_id(*field) for field in fields}) == len(fields)


def test_fields_do_not_run_into_each_other() -> None:
    assert example_id("ab", "en", "de", "x") != example_id("a", "ben", "de", "x")
