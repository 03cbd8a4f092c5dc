"""A step's random numbers are those of torch's own seeding."""

import torch

from polyloop.training.learner import seed_generators, step_seed


def test_the_numbers_after_seeding_are_those_after_torchs_manual_seed() -> None:
    seed = step_seed(17, 2, 5, 1)
    torch.manual_seed(seed)
    expected = torch.rand(8)

    seed_generators(seed, torch.device("cpu"))

    assert torch.equal(torch.rand(8), expected)
