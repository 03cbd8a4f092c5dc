"""YAML into data and lines: the core schema of YAML 1.2, and every way in which a file can be no spec."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.outside_bytes import damaged

from polyloop.errors import SpecError
from polyloop.spec.yaml_source import MAX_DEPTH, MAX_SIZE_BYTES, Source, parse

FILE = Path("polyloop.yaml")


def refusal(content: bytes | str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(content.encode() if isinstance(content, str) else content, FILE)
    text = str(caught.value)
    assert text.startswith("polyloop.yaml:")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("12:30", "12:30"),
        ("2026-11-01", "2026-11-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("[a, [1]]", ["a", [1]]),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = parse(f"key: {text}\n".encode(), FILE).data["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_always_text() -> None:
    assert parse(b"{1: a, no: b, null: c, true: d}", FILE).data == {"1": "a", "no": "b", "null": "c", "true": "d"}


def test_lines_are_known_for_keys_and_items() -> None:
    lines = parse(b"\xef\xbb\xbf# first\na:\n  b: 1\n  c:\n    - x\n    - y\n", FILE).lines
    assert lines[("a",)] == 2
    assert lines[("a", "b")] == 3
    assert lines[("a", "c", 1)] == 6


def test_aliases_are_expanded() -> None:
    assert parse(b"a: &x {n: 1}\nb: *x\n", FILE).data == {"a": {"n": 1}, "b": {"n": 1}}


def test_a_repeated_key_is_refused_with_both_lines() -> None:
    text = refusal("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert text == "polyloop.yaml:4: the key 'a.b' is there twice (first on line 2); keep one"


@pytest.mark.parametrize("content", ["", "   \n", "# only a comment\n", "---\n"])
def test_an_empty_file_suggests_init(content: str) -> None:
    assert "polyloop init" in refusal(content) or "not a mapping" in refusal(content)


@pytest.mark.parametrize(("content", "kind"), [("- a\n- b\n", "list"), ("just words\n", "single value")])
def test_the_top_must_be_a_mapping(content: str, kind: str) -> None:
    assert f":1: the file holds a {kind}, not a mapping" in refusal(content)


def test_a_tab_is_named() -> None:
    assert refusal("a:\n\tb: 1\n") == (
        "polyloop.yaml:2: a tab stands where YAML allows spaces only; indent with spaces"
    )


def test_broken_yaml_names_its_line() -> None:
    text = refusal("a: 1\nb: [1, 2\nc: 3\n")
    assert text.startswith("polyloop.yaml:3: not valid YAML: ")


def test_invalid_utf_8_names_line_and_byte() -> None:
    assert refusal(b"a: 1\nb: \xff\xfe\n") == ("polyloop.yaml:2: byte 0xff is not valid UTF-8; save the file as UTF-8")


def test_utf_16_is_refused() -> None:
    assert "not valid UTF-8" in refusal("a: 1\n".encode("utf-16"))


def test_a_control_character_names_its_line() -> None:
    assert refusal("a: 1\nb: \x07\n").startswith("polyloop.yaml:2: the character '\\x07' is not allowed")


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    assert "a spec may have 1,048,576 at most" in refusal(b"a: " + b"x" * MAX_SIZE_BYTES)


def test_an_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 100,000 values once its aliases are expanded" in refusal("\n".join(lines))


def test_an_alias_to_itself_is_refused() -> None:
    assert "an alias refers to itself" in refusal("a: &x [1, *x]\n")


def test_deep_nesting_is_refused_with_its_line() -> None:
    assert f":2: not valid YAML: nested more than {MAX_DEPTH} deep" in refusal("a: 1\nb: " + "[" * 5_000)


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [ls]", "!mine x", "!!set {a}", "!!binary aGk="])
def test_tags_are_refused(text: str) -> None:
    assert "is not allowed; write a plain value" in refusal(f"a: {text}\n")


@pytest.mark.parametrize("text", ["!!int x", "!!bool no", "!!null x", "!!float x", "9" * 5_000, "0x" + "f" * 5_000])
def test_a_scalar_that_does_not_fit_its_type_is_refused(text: str) -> None:
    assert "write it in quotes if it is text" in refusal(f"a: {text}\n")


def test_a_key_that_is_a_list_is_refused() -> None:
    assert ":1: a key is a list; keys are plain text" in refusal("? [a, b]\n: 1\n")


def test_a_second_document_is_refused() -> None:
    assert "not valid YAML" in refusal("a: 1\n---\nb: 2\n")


def test_an_unknown_alias_is_refused() -> None:
    assert ":1: not valid YAML: found undefined alias" in refusal("a: *nothing\n")


@pytest.mark.parametrize(
    "content",
    ['a: 1\nb: "\\U00110000"\n', 'a: 1\nb: "\\UFFFFFFFF"\n', "%YAML " + "9" * 5_000 + ".1\n---\na: 1\n"],
    ids=["above the last character", "above all numbers", "a version of many digits"],
)
def test_a_number_that_is_too_large_names_its_line(content: str) -> None:
    assert "has a number that is too large" in refusal(content)


@pytest.mark.parametrize(
    ("content", "what"),
    [('a: 1\nb: "x\\0y"', "a NUL"), ('a: 1\nb: "\\ud800"', "half of a character"), ('a: 1\n"\\0": 1', "a NUL")],
)
def test_what_no_file_name_or_database_can_hold_is_refused_with_its_line(content: str, what: str) -> None:
    text = refusal(content)
    assert text.startswith("polyloop.yaml:2: ")
    assert f"holds {what}, " in text


YAML_PARTS = st.sampled_from(
    [
        *("a: ", "b:\n", "- ", "  ", "\n", "\n\n", "[", "]", "{", "}", ", ", "&x ", "*x", "<<: *x", "? ", ": ", "|\n"),
        *(">-\n", "!", "!!int ", "!<%zz>", "%YAML 1.2\n", "%TAG ! !\n", "---\n", "...\n", "#", "'", '"', '"\\x', "\\"),
        *('"\\U0011', '"\\ud8', "0x", "0o9", "1e9", ".inf", "-", "~", "\t", "\r", "\u2028", "\ufeff", "\x00", "\x85"),
    ]
)
YAML_TEXTS = st.lists(YAML_PARTS | st.text(max_size=3), max_size=14).map(lambda parts: "".join(parts).encode())


def read_or_refused(content: bytes) -> Source | str:
    try:
        return parse(content, FILE)
    except SpecError as error:
        return str(error)


@settings(max_examples=300)
@given(content=YAML_TEXTS | damaged(YAML_TEXTS) | st.binary(max_size=30))
def test_whatever_a_file_holds_is_read_or_refused_with_its_place(content: bytes) -> None:
    found = read_or_refused(content)
    if isinstance(found, str):
        assert found.startswith("polyloop.yaml:")
        assert found.encode()
    else:
        assert () in found.lines


@pytest.mark.parametrize("part", ["a: " + "[" * 20_000, "&x " * 20_000, "- " * 20_000, "? " * 20_000, "a:\n" * 5_000])
def test_no_file_takes_long(part: str) -> None:
    began_s = time.process_time()
    refusal(part)
    assert time.process_time() - began_s < 20
