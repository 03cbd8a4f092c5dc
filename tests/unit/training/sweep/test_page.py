"""The report of a sweep."""

from tests.support.looks import epoch_end

from polyloop.spec.sweep import SweepSpec
from polyloop.training.scores import epoch_scores
from polyloop.training.sweep.page import render_sweep
from polyloop.training.sweep.results import State, decide_winner, outcome_of
from polyloop.training.sweep.space import Settings, Trial

SWEEP = SweepSpec.model_validate(
    {
        "keys": {
            "training.learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"},
            "model.recipe": {"choices": ["nano", "tiny"]},
            "training.patience": {"choices": [1, 2]},
        }
    }
)


def page() -> str:
    rows: list[tuple[Settings, float, State, str]] = [
        ({"training.learning_rate": 1e-3, "model.recipe": "nano", "training.patience": None}, 0.5, "finished", ""),
        ({"training.learning_rate": 5e-3, "model.recipe": "tiny", "training.patience": 1}, 0.25, "finished", ""),
        ({"training.learning_rate": 2e-4, "model.recipe": "nano", "training.patience": 2}, 0.9, "stopped", ""),
        ({"training.learning_rate": 9e-3, "model.recipe": "nano", "training.patience": 2}, 0.0, "failed", "<b>"),
    ]
    scores = {f"trial-{n:04d}": epoch_scores([epoch_end(0, row[1])], "loss") for n, row in enumerate(rows[:3])}
    outcomes = [
        outcome_of(
            Trial(number=number, settings=settings | {"training.seed": number}),
            scores.get(f"trial-{number:04d}", ()),
            "loss",
            state=state,
            elapsed_s=30.0,
            message=message,
        )
        for number, (settings, _, state, message) in enumerate(rows)
    ]
    return render_sweep(decide_winner("mood", "loss", outcomes), SWEEP, scores)


def test_the_page_names_the_winner_and_what_it_changes() -> None:
    text = page()
    assert "<dd>trial-0001</dd>" in text
    assert "<dd>0.2500</dd>" in text
    assert "<dd>2:00</dd>" in text
    winner = text[text.index("What the winner changes") : text.rindex("Score by key")]
    assert "model.recipe" in winner
    assert "0.005" in winner


def test_each_key_has_a_plot_with_a_dot_a_scored_trial() -> None:
    text = page()
    for key, num_dots in (("training.learning_rate", 3), ("model.recipe", 3), ("training.patience", 2)):
        start = text.index(f"<figcaption>{key}</figcaption>")
        assert text[start : text.index("</figure>", start)].count("<circle") == num_dots


def test_failures_are_named_and_escaped() -> None:
    text = page()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
