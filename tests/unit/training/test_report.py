"""The report of a training."""

import re
from dataclasses import replace

from tests.support.looks import epoch_end, look
from tests.support.small_tasks import small_task

from polyloop.training.progress import Progress
from polyloop.training.report import render_training, unbroken

TASK = small_task("classify", training={"epochs": 3})
LOOKS = [
    look(loss=1.0, num_steps=5),
    epoch_end(0, 0.9, 0.5),
    look(epoch=1, num_steps=15, loss=0.6),
    epoch_end(1, 0.4, 0.8),
    epoch_end(2, 0.6, 0.75),
]


def tiles(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))


def test_the_best_epoch_is_told_and_marked() -> None:
    page = render_training("mood", TASK, LOOKS)
    found = tiles(page)
    assert (found["dev loss"], found["dev accuracy"], found["epoch that is kept"]) == ("0.4000", "0.8000", "2")
    assert (found["steps"], found["training time"], found["GiB at most"]) == ("30", "0:03", "1.00")
    assert page.count("epoch 2 is kept") >= 2
    assert re.findall(r"<td><bdi>kept</bdi></td>", page) == ["<td><bdi>kept</bdi></td>"]


def test_every_curve_is_there_and_those_of_gpus_only_where_there_is_one() -> None:
    page = render_training("mood", TASK, LOOKS)
    names = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert names == [
        *("Loss", "Dev accuracy", "Learning rate", "Gradient norm before clipping"),
        *("Tokens a second", "Memory at most, GiB"),
    ]
    on_gpu = render_training("mood", TASK, [look(mfu=0.4), epoch_end(0, 0.9, mfu=0.5)])
    assert "Part of the GPUs" in on_gpu
    assert "45.0 %" in on_gpu


def test_rewards_have_curves_where_preferences_are_learned() -> None:
    looks = [look(reward_margin=0.1, reward_accuracy=0.5), epoch_end(0, 0.9, reward_margin=0.4, reward_accuracy=0.8)]
    names = re.findall(r"<figcaption>(.*?)</figcaption>", render_training("mood", TASK, looks))
    assert names[2:4] == ["Reward margin", "Part on the right side"]
    assert not [name for name in names if "Divergence" in name]
    judged = render_training("mood", TASK, [replace(one, reward_kl=0.2) for one in looks])
    assert "<figcaption>Divergence from the reference, nats</figcaption>" in judged


def test_steps_that_were_lost_and_done_again_count_once() -> None:
    killed = [look(num_steps=5), look(num_steps=9), look(num_steps=14, pid=1)]
    resumed: list[Progress] = [look(num_steps=9, pid=2, loss=0.7), epoch_end(0, 0.5, pid=2)]
    assert [one.num_steps for one in unbroken([*killed, *resumed])] == [5, 9, 9, 10]
    page = render_training("mood", TASK, [*killed, *resumed])
    assert "went on from a checkpoint 1 times" in page


def test_a_run_without_a_dev_split_has_a_page_too() -> None:
    page = render_training("<mood>", TASK, [look()])
    assert "There is no dev split" in page
    assert "<mood>" not in page


def test_smaller_micro_batches_are_told() -> None:
    page = render_training("mood", TASK, [look(micro_batch_tokens=128)])
    assert "cut from 512 to 128 tokens" in page


def test_the_same_run_gives_the_same_page() -> None:
    assert render_training("mood", TASK, LOOKS) == render_training("mood", TASK, LOOKS)
