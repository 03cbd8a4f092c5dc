"""The HTML report of a sweep: all trials with their values and scores, and how the score follows from each key.

Inputs: the result, and the scores of each trial by epoch. Output: one page (`polyloop.pages`). Pure.
"""

from collections.abc import Mapping

from markupsafe import Markup

from polyloop.pages.blocks import Cell, CellValue, Figures, Paragraph, Section, table
from polyloop.pages.curves import Curve, Dot, curve_chart, dot_chart
from polyloop.pages.page import Page, render_page
from polyloop.progress import duration_text
from polyloop.spec.sweep import SweepSpec
from polyloop.training.scores import EpochScore
from polyloop.training.sweep.results import SweepResult, TrialOutcome, changed_settings, swept_keys

SWEEP_REPORT_NAME = "sweep.html"
MAX_CURVES = 8
"""Trials whose course is drawn, the best ones: there are as many colours."""
STATES = ("finished", "stopped")


def render_sweep(result: SweepResult, sweep: SweepSpec, scores: Mapping[str, tuple[EpochScore, ...]]) -> str:
    """Return the page; `scores` are those of each trial by its name."""
    winner = result.winner
    return render_page(
        Page(
            title=f"{result.task}: sweep",
            brand="Polyloop sweep report",
            heading=result.task,
            aside=f"{len(result.trials)} trials, compared by dev {result.select}",
            tiles=[
                ("best dev loss", _number(winner.dev_loss)),
                ("its dev accuracy", _number(winner.dev_accuracy)),
                ("winner", winner.name),
                ("finished", f"{result.count('finished')}"),
                ("stopped early", f"{result.count('stopped')}"),
                ("failed", f"{result.count('failed')}"),
                ("training time", duration_text(sum(one.elapsed_s for one in result.trials))),
            ],
            sections=[_winner(result), _keys(result, sweep), _courses(result, scores), _trials(result)],
        )
    )


def _winner(result: SweepResult) -> Section:
    own, best = result.trials[0], result.winner
    changed = changed_settings(result)
    if not changed:
        return Section(
            key="winner", title="Winner", blocks=(Paragraph(text="No trial was better than the spec as it is."),)
        )
    rows = [(key, _value(own.settings.get(key)), _value(value)) for key, value in changed.items()]
    rows += [
        ("dev loss", _number(own.dev_loss), _number(best.dev_loss)),
        ("dev accuracy", _number(own.dev_accuracy), _number(best.dev_accuracy)),
    ]
    block = table("What the winner changes", ("key", "the spec as it is", best.name), rows)
    return Section(key="winner", title="Winner", blocks=(block,))


def _keys(result: SweepResult, sweep: SweepSpec) -> Section:
    charts = tuple(_key_chart(result, sweep, key) for key in swept_keys(result))
    text = f"Each dot is a trial; the ring marks the winner. Up is better. The score is the {_score_name(result)}."
    return Section(key="keys", title="Score by key", blocks=(Paragraph(text=text), Figures(charts=charts)))


def _key_chart(result: SweepResult, sweep: SweepSpec, key: str) -> Markup:
    values = sweep.keys[key]
    scored = [trial for trial in result.trials if trial.score is not None]
    known = [trial for trial in scored if trial.settings[key] is not None]
    is_numeric = all(_is_number(trial.settings[key]) for trial in known)
    scored = known if is_numeric else scored
    names = [] if is_numeric else sorted({_value(trial.settings[key]) for trial in scored})
    dots = [
        Dot(
            x=float(names.index(_value(trial.settings[key])) if names else trial.settings[key] or 0.0),
            y=trial.score or 0.0,
            text=f"{trial.name}: {_value(trial.settings[key])}, score {trial.score:.4g}, {trial.state}",
            series=STATES.index(trial.state) if trial.state in STATES else len(STATES),
            is_marked=trial.number == result.winner.number,
        )
        for trial in scored
    ]
    return dot_chart(key, dots, x_name=key, is_log=values.scale == "log", names=names, series=(*STATES, "failed"))


def _courses(result: SweepResult, scores: Mapping[str, tuple[EpochScore, ...]]) -> Section:
    shown = [trial for trial in result.ranked if scores.get(trial.name)][:MAX_CURVES]
    curves = [
        Curve(name=trial.name, points=tuple((one.epoch, one.dev_loss) for one in scores[trial.name])) for trial in shown
    ]
    chart = curve_chart(f"Dev loss of the best {len(shown)} trials", curves, x_name="epoch")
    return Section(key="courses", title="Course of trials", blocks=(Figures(charts=(chart,)),))


def _trials(result: SweepResult) -> Section:
    keys = [*result.trials[0].settings]
    headings = ("trial", "state", "dev loss", "dev accuracy", "best epoch", "epochs", "time", *keys, "note")
    rows = [_row(trial, keys) for trial in result.ranked]
    return Section(key="trials", title="All trials", blocks=(table("The best first", headings, rows),))


def _row(trial: TrialOutcome, keys: list[str]) -> list[CellValue]:
    return [
        trial.name,
        trial.state,
        Cell(_number(trial.dev_loss), "number"),
        Cell(_number(trial.dev_accuracy), "number"),
        Cell(str(trial.best_epoch or ""), "number"),
        Cell(str(trial.num_epochs), "number"),
        Cell(duration_text(trial.elapsed_s), "number"),
        *(Cell(_value(trial.settings.get(key)), "code") for key in keys),
        trial.message,
    ]


def _score_name(result: SweepResult) -> str:
    return "highest dev accuracy so far" if result.select == "accuracy" else "lowest dev loss so far, negated"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _value(value: object) -> str:
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
