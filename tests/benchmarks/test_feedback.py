"""The feedback benchmark runs and gives its figure; whether the bar is reached is for `polyloop bench` to say."""

from polyloop.bench import feedback


def test_the_quick_run_measures_both_ways():
    (figure,) = feedback.run(quick=True)

    assert figure.value > 0
    assert figure.peer_value
    assert figure.unit == "1/s"
