"""`polyloop corpus pack` and `polyloop corpus noise`: what is made of a dataset for other uses."""

from pathlib import Path
from typing import Annotated

import typer

from polyloop.cli import corpus_datasets as datasets
from polyloop.cli.context import AsJson, TaskArgument, of
from polyloop.cli.output import messages, print_json, print_rows
from polyloop.data.rows import Split
from polyloop.errors import DataError

DigestOption = Annotated[
    str | None, typer.Option("--digest", help="Beginning of a digest; the newest dataset if not given.")
]


def pack(
    context: typer.Context,
    task: TaskArgument,
    output: Annotated[Path, typer.Option(help="Folder to write; it must not exist yet.")],
    tokens: Annotated[int, typer.Option(min=2, help="Tokens of each row.")] = 1024,
    split: Annotated[Split, typer.Option(help="The split that is packed.")] = "train",
    learn_inputs: Annotated[bool, typer.Option(help="Also learn the inputs of pairs, not the targets alone.")] = False,
    digest: DigestOption = None,
    as_json: AsJson = False,
) -> None:
    """Pack the token ids of a split into rows of one length, for training language models without padding.

    Example: `polyloop corpus pack translate --tokens 1024 --output packed`
    """
    from polyloop.data.packing import export_packed

    summary = export_packed(
        datasets.of_task(of(context), task, digest), split, tokens, output, learn_inputs=learn_inputs
    )
    if as_json:
        print_json({**summary.model_dump(mode="json"), "fill": summary.fill})
    else:
        print_rows([summary.model_dump(mode="json")], as_json=False, title=f"{output}: {summary.fill:.2%} full")


def noise(
    context: typer.Context,
    task: TaskArgument,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 50,
    output: Annotated[Path | None, typer.Option(help="Also write the report with the suspects to this file.")] = None,
    digest: DigestOption = None,
    as_json: AsJson = False,
) -> None:
    """List train rows whose label is probably wrong, for people to check; nothing is dropped.

    Five models, each trained without a fifth of the rows, judge that fifth (confident learning).

    Example: `polyloop corpus noise sentiment --limit 20`
    """
    from polyloop.data.label_noise import find_label_noise
    from polyloop.data.report.page import read_drops, render_report

    dataset = datasets.of_task(of(context), task, digest)
    if not any(dataset.manifest.label_counts.values()):
        raise DataError(f"the targets of {task!r} are no labels, so none can be wrong; name a classify task")
    rows = dataset.table("train")
    texts = dict(zip(rows["id"].to_pylist(), rows["input"].to_pylist(), strict=True))
    found = find_label_noise(
        list(texts.values()), rows["target"].to_pylist(), list(texts), locales=rows["locale"].to_pylist()
    )
    if output is not None:
        drops = read_drops(dataset.path)
        page = render_report(dataset.manifest, datasets.statistics_of(dataset), drops, found, suspect_texts=texts)
        output.write_text(page, encoding="utf-8")
    if as_json:
        print_json(found.to_dict())
        return
    suspects = [
        {
            "locale": suspect.locale,
            "given": suspect.given,
            "suggested": suspect.suggested,
            "confidence": round(suspect.confidence, 3),
            "text": texts[suspect.id],
        }
        for suspect in found.suspects[:limit]
    ]
    print_rows(
        suspects, as_json=False, title=f"{task}: {len(found.suspects):,} of {found.num_rows:,} labels are suspect"
    )
    messages.print(f"the models that judged were right on {found.hit_rate:.1%} of the given labels")
