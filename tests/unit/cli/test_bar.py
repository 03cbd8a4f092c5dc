"""Progress: a bar with figures on a terminal, plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from polyloop.cli import output
from polyloop.cli.bar import ProgressBar
from polyloop.cli.output import ProgressLine
from polyloop.progress import Share

SHARE = Share("mood v1: training", fraction=0.4, details="loss 0.300, 1,234 tokens/s", left_s=75.0)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_share_is_a_bar_with_its_figures() -> None:
    console = terminal()
    bar = ProgressBar(console)
    with bar:
        bar.show(SHARE)
    text = shown(console)
    assert "mood v1: training" in text
    assert "40%  loss 0.300, 1,234 tokens/s  1:15 left" in text
    assert "━" in text


def test_a_plain_message_after_a_bar_has_none() -> None:
    console = terminal()
    bar = ProgressBar(console)
    bar.show(SHARE)
    bar.show("mood: [reading] corpora")
    console.print(bar.renderable)
    text = shown(console)
    assert "mood: [reading] corpora" in text
    assert "━" not in text
    assert "left" not in text


def test_away_from_a_terminal_lines_are_plain_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=140)
    monkeypatch.setattr(output, "messages", console)
    line = ProgressLine()
    with line.shown():
        for fraction in (0.1, 0.2, 0.3):
            line(Share("mood v1: training", fraction=fraction))
        line("mood v1: published")
    assert shown(console).splitlines() == ["mood v1: training 10%", "mood v1: published"]
