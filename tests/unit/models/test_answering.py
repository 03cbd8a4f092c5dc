"""Tests of the settings of answer versions."""

from pathlib import Path

import pytest

from polyloop.errors import ArtefactError
from polyloop.models.answering import ANSWERING_FILE, AnsweringSettings, Curve, read_answering, write_answering

SETTINGS = AnsweringSettings(
    reader="sentences",
    num_passages=5,
    num_citations=3,
    same_locale=False,
    curve=Curve(slope=2.0, intercept=-1.0, threshold=0.5),
    curves={"de": Curve(slope=4.0, intercept=0.0, threshold=0.25)},
)


def test_settings_are_what_was_written(tmp_path: Path) -> None:
    write_answering(SETTINGS, tmp_path)
    assert read_answering(tmp_path) == SETTINGS
    assert [path.name for path in tmp_path.iterdir()] == [ANSWERING_FILE]


def test_a_locale_has_its_own_curve_or_the_common_one() -> None:
    assert SETTINGS.curve_of("de").threshold == 0.25
    assert SETTINGS.curve_of("fr") == SETTINGS.curve
    assert SETTINGS.curve.chance(0.5) == pytest.approx(0.5)


def test_missing_and_malformed_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="does not belong to an answer task"):
        read_answering(tmp_path)
    (tmp_path / ANSWERING_FILE).write_text('{"format": 2}')
    with pytest.raises(ArtefactError, match="malformed"):
        read_answering(tmp_path)
