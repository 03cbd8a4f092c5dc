"""Tables for people: texts of users and corpora come out as they are."""

import pytest

from polyloop.cli.output import print_rows


@pytest.mark.parametrize("text", ["[/INST] answer", "[red]hot[/red]", "[link=file:///etc/passwd]x[/link]", "\\[b]"])
def test_a_cell_is_no_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"input": text}], as_json=False, title="Rows")
    assert text in capsys.readouterr().out


def test_a_cell_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"input": "a\x1b]0;title\x07b\u202ec"}], as_json=False, title="Rows")
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e"} & set(printed)
    assert "␛" in printed
