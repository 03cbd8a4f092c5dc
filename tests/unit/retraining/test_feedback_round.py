"""Counts of a round: corrections accepted and refused; statements without a correction are neither."""

from polyloop.feedback.decisions import Reason
from polyloop.retraining.feedback_round import count_outcomes


def test_reasons_add_up_to_accepted_and_refused_corrections():
    reasons = {"accepted": 7, "low_trust": 3, "wrong_script": 2, "no_correction": 90, "already_known": 5, "orphan": 1}

    assert count_outcomes(reasons, 6) == {"accepted": 7, "refused": 5, "examples": 6}


def test_every_reason_can_be_counted():
    counted = count_outcomes({str(reason): 1 for reason in Reason}, 0)

    assert counted["accepted"] == 1
    assert counted["refused"] == sum(reason.state == "refused" for reason in Reason)
