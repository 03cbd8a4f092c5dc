"""The parts of a report that tell what the gate decided, and how the version did in suites. Pure.

Input: a `VersionComparison`. Output: sections, None where there is nothing to tell.
"""

from collections.abc import Iterator, Sequence

from polyloop.evaluation.comparison import VersionComparison
from polyloop.evaluation.html_report.scores import number, span_text
from polyloop.evaluation.suites.checks import ALL_TESTS, Flips
from polyloop.evaluation.suites.results import CaseResult, SuiteResult
from polyloop.pages.blocks import Block, CellValue, Paragraph, Quote, Quotes, Section, shown, table

MAX_FAILURES = 6
"""Failing cases of one test in one place that are shown."""
MAX_LISTS = 60
"""Lists of failing cases that a page shows."""


def gate(comparison: VersionComparison) -> Section:
    """Return the decision with every check and its reason."""
    decision = comparison.decision
    body: list[Sequence[CellValue]] = [
        ("pass" if check.passed else "FAIL", check.name, check.slice, check.reason)
        for check in sorted(decision.checks, key=lambda check: check.passed)
    ]
    return Section(
        key="gate",
        title="Gate",
        blocks=(
            Paragraph(
                text=f"{decision.verdict}. Bounds here are one-sided, as the question is whether harm is excluded."
            ),
            table("Checks, failed ones first", ("result", "check", "slice", "reason"), body),
        ),
    )


def suites(comparison: VersionComparison) -> Section:
    """Return the pass rates of every test with failing cases, and what flipped since the champion."""
    results = comparison.candidate.suites
    if not results:
        text = (
            "The task names no suites. Name some under `suites` and `evaluation` in the spec, and the gate heeds them."
        )
        return Section(key="suites", title="Behaviour", blocks=(Paragraph(text=text),))
    flips = {(one.suite, one.test, one.slice): one for one in comparison.flips}
    blocks: list[Block] = [_rates(result, flips) for result in results]
    lists = [quotes for result in results for quotes in _failures(result)]
    blocks += lists[:MAX_LISTS]
    if len(lists) > MAX_LISTS:
        blocks.append(
            Paragraph(text=f"{len(lists) - MAX_LISTS} more lists of failing cases are in the stored results.")
        )
    return Section(key="suites", title="Behaviour", blocks=tuple(blocks))


def _rates(result: SuiteResult, flips: dict[tuple[str, str, str], Flips]) -> Block:
    has_champion = bool(flips)
    body: list[Sequence[CellValue]] = [
        (
            one.test,
            one.slice,
            one.num_cases,
            number(span_text(one.rate)),
            *(_flip_cells(flips.get((result.suite, one.test, one.slice))) if has_champion else ()),
        )
        for one in result.slices
    ]
    for (suite, test, slice), found in flips.items():
        if suite == result.suite and test == ALL_TESTS:
            body.append((ALL_TESTS, slice, found.num_cases, number(f"{found.candidate:.1f}"), *_flip_cells(found)))
    goal = ", where 50 is the goal" if result.goal == "half" else ""
    headings = ("test", "locale", "cases", f"% passed{goal}", *(("worse", "better") if has_champion else ()))
    return table(f"{result.suite} ({result.type})", headings, body)


def _flip_cells(flips: Flips | None) -> tuple[CellValue, CellValue]:
    return ("", "") if flips is None else (flips.num_worse, flips.num_better)


def _failures(result: SuiteResult) -> Iterator[Quotes]:
    for one in result.slices:
        failed = result.failures(one.test, one.slice)
        if failed:
            caption = f"{result.suite}, {one.test}, {one.slice}: {len(failed):,} of {one.num_cases:,} failed"
            yield Quotes(caption=caption, quotes=tuple(map(failing_case, failed[:MAX_FAILURES])))


def failing_case(case: CaseResult) -> Quote:
    """Return a case with what was expected and what came."""
    facts = [("answer", shown(case.output or "(none)")), ("expected", shown(case.wanted))]
    if case.input_before is not None:
        facts += [("before the edit", shown(case.input_before)), ("answer then", shown(case.output_before or "(none)"))]
    return Quote(shown(case.input), tuple(facts))
