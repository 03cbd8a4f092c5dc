"""What must hold in a suite beyond its shape: slots that have fillings, tests that fit the task kind. Pure.

Input: a `Suite`, and the labels of the task where they are known. Output: for each mistake its key path in the file and
a sentence that says what to write instead.
"""

from collections.abc import Iterator, Sequence

from polyloop.evaluation.suites.perturbations import PERTURBATIONS, perturbations_of
from polyloop.evaluation.suites.slots import slots_of
from polyloop.evaluation.suites.spec import (
    Direction,
    DirectionCases,
    Functionality,
    FunctionalityCases,
    InvarianceCases,
    Suite,
    all_tests,
)
from polyloop.spec.yaml_source import KeyPath
from polyloop.tasks import KINDS
from polyloop.tasks.labels import read_label_set

CLASSIFY = "classify"
Mistake = tuple[KeyPath, str]
Cases = FunctionalityCases | InvarianceCases | DirectionCases


def mistakes(suite: Suite, labels: Sequence[str] = ()) -> Iterator[Mistake]:
    """Yield each mistake of a suite; `labels` are those of the task that it is for, empty where they are not known."""
    if suite.kind not in KINDS:
        yield ("kind",), f"{suite.kind!r} is no task kind; write one of {', '.join(KINDS)}"
        return
    if not all_tests(suite):
        yield ("suite",), "the suite has no tests; add some under minimum_functionality, invariance or direction"
    yield from _repeated_names(suite)
    for of_type, name, test in all_tests(suite):
        yield from _of_kind(suite, (of_type, name), test)
        for place, cases in test.places.items():
            at: KeyPath = (of_type, name, "places", place)
            lists = suite.lists.get(place.partition(">")[0], {})
            yield from _of_slots(at, cases, lists)
            if isinstance(cases, InvarianceCases):
                yield from _of_invariance(at, cases, place, lists)
            if isinstance(cases, FunctionalityCases):
                yield from _of_answers(at, cases, suite.kind, labels)
            if isinstance(cases, DirectionCases) and labels and cases.label not in labels:
                yield (*at, "label"), _no_label(cases.label, labels)


def templates_of(cases: Cases) -> list[tuple[KeyPath, tuple[str, ...]]]:
    """Return the templates of cases, a pair's two texts together, each with its key path below the cases."""
    if isinstance(cases, DirectionCases):
        return _pairs(cases)
    single: list[tuple[KeyPath, tuple[str, ...]]] = [
        (("templates", index), (text,)) for index, text in enumerate(cases.templates)
    ]
    return single + (_pairs(cases) if isinstance(cases, InvarianceCases) else [])


def _pairs(cases: InvarianceCases | DirectionCases) -> list[tuple[KeyPath, tuple[str, ...]]]:
    return [(("pairs", index), (pair.before, pair.after)) for index, pair in enumerate(cases.pairs)]


def _repeated_names(suite: Suite) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for of_type, name, _ in all_tests(suite):
        if name in seen:
            yield (of_type, name), f"a test of this name is under {seen[name]} too; give it another name"
        seen.setdefault(name, of_type)


def _of_kind(suite: Suite, at: KeyPath, test: object) -> Iterator[Mistake]:
    is_classify = suite.kind == CLASSIFY
    if isinstance(test, Direction):
        if not is_classify:
            yield at, f"direction tests look at scores of labels, which {suite.kind} has not; use invariance"
        return
    if isinstance(test, Functionality):
        return
    stated = getattr(test, "min_chrf", None) is not None
    if stated and is_classify:
        yield (*at, "min_chrf"), "labels have to be equal, so there is nothing to state for classify; remove this line"
    if not stated and not is_classify:
        yield at, "say how alike the two outputs have to be, such as `min_chrf: 80`"


def _of_slots(at: KeyPath, cases: Cases, lists: dict[str, tuple[str, ...]]) -> Iterator[Mistake]:
    tied = set(cases.rows[0]) if cases.rows else set()
    for index, row in enumerate(cases.rows):
        if set(row) != tied:
            yield (*at, "rows", index), f"this row fills {_listed(row)}, the first one {_listed(tied)}; fill the same"
    for below, texts in templates_of(cases):
        for slot in slots_of(*texts):
            if slot not in tied and slot not in lists:
                yield (*at, *below), f"the slot {{{slot}}} has no filling; known here: {_listed({*tied, *lists})}"
        if isinstance(cases, FunctionalityCases):
            yield from _of_answer_slots(at, cases, set(slots_of(*texts)), tied)


def _of_answer_slots(at: KeyPath, cases: FunctionalityCases, asked: set[str], tied: set[str]) -> Iterator[Mistake]:
    """Yield answers with a slot that the input says nothing about: its own, or of rows that the input does not use."""
    given = asked | (tied if asked & tied else set())
    for key in ("accept", "match"):
        for index, text in enumerate(getattr(cases, key)):
            for slot in slots_of(text):
                if slot not in given:
                    yield (
                        (*at, key, index),
                        f"the slot {{{slot}}} is not in every template; use one of {_listed(given)}",
                    )


def _of_answers(at: KeyPath, cases: FunctionalityCases, kind: str, labels: Sequence[str]) -> Iterator[Mistake]:
    if not cases.accept and not cases.match:
        yield at, "say which answers are right with `accept`, or with `match` for texts"
    if kind != CLASSIFY:
        return
    if cases.match:
        yield (*at, "match"), "an answer of classify is a label; list the right ones under `accept`"
    for index, accepted in enumerate(cases.accept):
        unknown = [label for label in read_label_set(accepted) if label not in labels and not slots_of(label)]
        if labels and unknown:
            yield (*at, "accept", index), _no_label(unknown[0], labels)


def _of_invariance(
    at: KeyPath, cases: InvarianceCases, place: str, lists: dict[str, tuple[str, ...]]
) -> Iterator[Mistake]:
    ways = [key for key in ("vary", "perturb", "pairs") if getattr(cases, key)]
    if len(ways) != 1:
        yield at, f"give exactly one of vary, perturb and pairs, not {' and '.join(ways) or 'none'}"
        return
    if bool(cases.templates) == (ways == ["pairs"]):
        yield at, "`templates` belong to vary and perturb, and to them alone"
    if cases.vary is not None:
        if len(set(lists.get(cases.vary, ()))) < 2:
            yield (*at, "vary"), f"{cases.vary!r} needs a list of two or more values under `lists`"
        for index, text in enumerate(cases.templates):
            if cases.vary not in slots_of(text):
                yield (*at, "templates", index), f"the slot that varies, {{{cases.vary}}}, is not in this template"
    for index, name in enumerate(cases.perturb):
        usable = perturbations_of(place.partition(">")[0])
        if name not in usable:
            what = "does not apply to this locale" if name in PERTURBATIONS else "is no perturbation"
            yield (*at, "perturb", index), f"{name!r} {what}; write one of {', '.join(usable)}"


def _no_label(label: str, labels: Sequence[str]) -> str:
    return f"{label!r} is no label of the task; its labels are {', '.join(labels)}"


def _listed(names: object) -> str:
    assert isinstance(names, (set, dict))
    return ", ".join(sorted(names)) or "nothing"
