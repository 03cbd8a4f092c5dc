"""Looks at a training in words."""

from tests.support.looks import look

from polyloop.training.telling import TrainingTeller


def test_a_look_tells_loss_speed_and_the_time_that_is_left() -> None:
    tell = TrainingTeller("mood v1")
    assert tell(look(fraction=0.1, elapsed_s=10.0)) == "mood v1: training 10%, loss 1.000, 1,000 tokens/s"
    later = tell(look(fraction=0.2, elapsed_s=20.0, loss=0.5, dev_loss=0.75, tokens_per_s=2_500.0))
    assert later == "mood v1: training 20%, loss 0.500, dev loss 0.750, 2,500 tokens/s, 1:20 left"
    assert later.fraction == 0.2


def test_a_resumed_run_says_so() -> None:
    assert "resumed" in TrainingTeller("mood v1")(look(resumed=True))
