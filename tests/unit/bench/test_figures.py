"""Figures compare with their peer and say whether the bar was reached."""

from polyloop.bench.figures import Figure, report


def figure(value: float) -> Figure:
    return Figure(name="speed", value=value, unit="1/s", peer="other", peer_value=10.0, bar=2.0)


def test_a_figure_at_its_bar_is_ok_and_one_below_is_not():
    assert figure(20.0).ok
    assert not figure(19.9).ok
    assert figure(25.0).ratio == 2.5


def test_where_less_is_better_the_bar_is_a_limit():
    flat = Figure(name="growth", value=1.3, unit="times", bar=1.3, at_most=True)

    assert flat.ok
    assert flat.ratio == 1.3
    assert not Figure(name="growth", value=1.31, unit="times", bar=1.3, at_most=True).ok
    assert not Figure(name="memory", value=27.0, unit="MB", peer="small", peer_value=20.0, bar=1.3, at_most=True).ok


def test_a_figure_without_a_bar_is_only_told():
    assert Figure(name="start", value=5.0, unit="s").ok


def test_a_peer_without_a_value_is_told_and_reaches_no_bar():
    alone = Figure(name="speed", value=20.0, unit="1/s", peer="other", bar=2.0, absent="it is not installed")

    assert not alone.ok
    assert alone.to_row()["peer"] == "other: not measured, it is not installed"
    assert alone.to_dict()["absent"] == "it is not installed"
    assert Figure(name="speed", value=20.0, unit="1/s", peer="other", absent="it is not installed").ok


def test_a_row_for_people_is_rounded_and_shows_the_direction_of_the_bar():
    flat = Figure(name="growth", value=1.23456, unit="times", bar=1.3, at_most=True, details={"runs": []})

    assert flat.to_row() == {
        "name": "growth",
        "value": "1.23",
        "unit": "times",
        "peer": None,
        "peer_value": None,
        "ratio": None,
        "bar": "<= 1.3",
        "ok": True,
    }
    assert figure(12345.6).to_row()["value"] == "12,346"
    assert figure(12345.6).to_row()["bar"] == ">= 2"


def test_a_report_tells_machine_versions_date_and_whether_it_was_quick():
    told = report("feedback", [figure(30.0)], quick=True)

    assert told["quick"] is True
    assert told["figures"][0] == {
        "name": "speed",
        "value": 30.0,
        "unit": "1/s",
        "peer": "other",
        "peer_value": 10.0,
        "bar": 2.0,
        "at_most": False,
        "absent": None,
        "details": {},
        "ratio": 3.0,
        "ok": True,
    }
    assert {"machine", "versions", "date"} <= told.keys()
