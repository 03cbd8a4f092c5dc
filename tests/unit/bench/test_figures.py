"""Figures compare with their peer and say whether the bar was reached."""

from polyloop.bench.figures import Figure, report


def figure(value: float) -> Figure:
    return Figure(name="speed", value=value, unit="1/s", peer="other", peer_value=10.0, bar=2.0)


def test_a_figure_at_its_bar_is_ok_and_one_below_is_not():
    assert figure(20.0).ok
    assert not figure(19.9).ok
    assert figure(25.0).ratio == 2.5


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
        "ratio": 3.0,
        "ok": True,
    }
    assert {"machine", "versions", "date"} <= told.keys()
