"""Messages that say which part of the work is done."""

import pickle

import pytest

from polyloop.progress import RestOfWork, Share, duration_text, prefixed


def test_a_share_is_a_text_that_holds_everything() -> None:
    message = Share("mood v1: training", fraction=0.4, details="loss 0.300", left_s=75.0)
    assert message == "mood v1: training 40%, loss 0.300, 1:15 left"
    assert (message.what, message.fraction, message.left_s) == ("mood v1: training", 0.4, 75.0)


def test_a_share_may_say_its_words_alone_and_keeps_the_rest() -> None:
    message = prefixed("mood v1: ", Share("evaluated 2 of 4 rows", fraction=0.5, left_s=1.0, tells_all=False))
    assert message == "mood v1: evaluated 2 of 4 rows"
    assert isinstance(message, Share)
    assert (message.fraction, message.left_s) == (0.5, 1.0)


def test_a_prefix_goes_before_plain_messages_too() -> None:
    assert prefixed("a: ", "b") == "a: b"


def test_a_share_survives_pickling() -> None:
    message = Share("a", fraction=0.25, details="b", left_s=3.0)
    again = pickle.loads(pickle.dumps(message))
    assert (again, again.what, again.fraction, again.details, again.left_s) == (message, "a", 0.25, "b", 3.0)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (750, "12:30"), (11_100, "3:05:00")])
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_the_rest_follows_from_the_speed_since_the_first_look() -> None:
    rest = RestOfWork()
    assert rest.left_s(0.5, 10.0) is None  # a resumed run: half was done by another process
    assert rest.left_s(0.6, 20.0) == pytest.approx(40.0)
    assert rest.left_s(1.0, 60.0) == 0.0


def test_the_rest_is_told_anew_where_the_work_went_back() -> None:
    rest = RestOfWork()
    rest.left_s(0.5, 10.0)
    assert rest.left_s(0.4, 11.0) is None
    assert rest.left_s(0.5, 21.0) == pytest.approx(50.0)
