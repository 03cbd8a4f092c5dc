"""The HTML report of a version: how good it is per locale, against the champion, and whether it may go out.

Input: a `VersionComparison`. Output: one page that needs no network and no script (see `polyloop.pages`). Pure: the
same inputs give the same page. Limits: at most a few texts of each kind are shown; the stored results hold all.
"""

from datetime import datetime

from markupsafe import Markup

from polyloop.evaluation.comparison import VersionComparison
from polyloop.evaluation.html_report import labels, rows, scores, verdicts
from polyloop.pages.blocks import Section
from polyloop.pages.page import Notice, Page, render_page

REPORT_NAME = "report.html"


def render_evaluation(comparison: VersionComparison, *, created_at: datetime, code_version: str) -> str:
    """Return the page; `created_at` (UTC) and `code_version` say when and by what it was written."""
    result = comparison.candidate.holdout
    champion = comparison.champion
    against = Markup(" beside <code>{}</code>").format(champion.holdout.version) if champion else ""
    aside = Markup("<code>{}</code>{} on holdout <code>{}</code>; written {:%Y-%m-%d %H:%M} UTC by version {}").format(
        result.version, against, result.holdout_digest[:12], created_at, code_version
    )
    failed = [check for check in comparison.decision.checks if not check.passed]
    return render_page(
        Page(
            title=f"{result.task} {result.version}: evaluation",
            brand="Polyloop evaluation report",
            heading=f"{result.task} {result.version}",
            aside=aside,
            tiles=_tiles(comparison),
            notice=Notice(
                title=comparison.decision.verdict, lines=[f"{check.slice}: {check.reason}" for check in failed]
            )
            if failed
            else None,
            sections=_sections(comparison),
        )
    )


def _sections(comparison: VersionComparison) -> list[Section]:
    sections = [
        scores.headline(comparison),
        scores.changes(comparison),
        verdicts.gate(comparison),
        scores.groups(comparison),
        labels.calibration(comparison),
        labels.confusion(comparison),
        verdicts.suites(comparison),
        rows.worse(comparison),
        rows.weakest(comparison),
        rows.provenance(comparison),
    ]
    return [section for section in sections if section is not None]


def _tiles(comparison: VersionComparison) -> list[tuple[str, str]]:
    """Return the figures that stand at the top, each with what it is."""
    result = comparison.candidate.holdout
    overall = result.overall.metrics[result.metric]
    change = next((one for one in comparison.differences if one.metric == result.metric), None)
    cases = [case.passed for suite in comparison.candidate.suites for case in suite.cases]
    return [
        ("gate", "passes" if comparison.decision.passed else "fails"),
        (f"{result.metric}, overall", scores.span_text(overall)),
        *([] if change is None else [("change", scores.change_text(change))]),
        ("rows of the holdout", f"{len(result.rows):,}"),
        ("locales", ", ".join(one.locale for one in result.slices[:9])),
        *([("cases of suites passed", f"{100 * sum(cases) / len(cases):.1f} %")] if cases else []),
        ("one answer alone", f"{result.latency_ms:.1f} ms"),
        ("size", f"{result.size_bytes / 1e6:.1f} MB"),
    ]
