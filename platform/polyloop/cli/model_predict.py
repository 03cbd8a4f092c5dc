"""`polyloop model predict`: batch inference, files in and a folder of answers out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from polyloop.cli.context import AsJson, TaskArgument, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_rows
from polyloop.errors import RegistryError, SpecError
from polyloop.registry.releases import get_release
from polyloop.registry.versions import get_version

InputFormat = Literal["auto", "jsonl", "csv", "tsv", "parquet", "arrow", "text", "document", "html", "warc"]


def predict(
    context: typer.Context,
    task: TaskArgument,
    input: Annotated[
        list[str], typer.Option("--input", help="A file, glob or URL with rows; may be repeated. As for corpora.")
    ],
    output: Annotated[Path, typer.Option(help="The folder to write; it appears when all rows are answered.")],
    version: Annotated[str | None, typer.Option(help="The version that answers; the champion if not given.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN: where a field of the request stands, such as input=review; may be repeated."),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE: what a field is in each row, such as target_locale=de; may be repeated."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A column that stands beside the answers, such as id; may be repeated.")
    ] = None,
    form: Annotated[Literal["jsonl", "parquet"], typer.Option("--format", help="How answers are written.")] = "jsonl",
    input_format: Annotated[
        InputFormat, typer.Option(help="Format of the input; by the names of files if not given.")
    ] = "auto",
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that answer; by the CPUs if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Answer the rows of files with a version, on Ray Data, and write the answers as JSON Lines or Parquet.

    A row is what a request to the API is, and fields are read from columns of their own names. Rows that cannot be
    answered have an `error` instead. The same command goes on with a run that was killed.

    Example: `polyloop model predict sentiment --input 'reviews/*.csv' --output answers --column input=review --keep id`
    """
    from polyloop.batch_inference.question import Question
    from polyloop.batch_inference.run import Source, predict_files
    from polyloop.cluster.connect import connected

    cli = of(context)
    spec = cli.loaded.task(task)
    name = version or get_release(cli.store, task).champion
    if name is None:
        raise RegistryError(f"task {task!r} serves no version yet; name one with --version, or promote one")
    path = get_version(cli.store, task, name).path
    if path is None:
        raise RegistryError(f"{name} of {task!r} is not published; name another with --version")
    question = Question(
        task_name=task,
        task=spec,
        project_locales=cli.loaded.spec.locales,
        version=name,
        model_dir=cli.loaded.artefacts_dir / path,
        columns=_pairs("--column", column),
        values=_pairs("--value", value),
        keep=tuple(keep or ()),
        form=form,
    )
    source = Source(patterns=tuple(input), form=input_format, encoding=encoding)
    progress = ProgressLine()
    with connected(), progress.shown():
        summary = predict_files(question, source, output, num_workers=workers, progress=progress)
    if as_json:
        print_json({**summary.to_dict(), "output": output})
        return
    counts = summary.counts
    row = {
        "version": f"{summary.task} {summary.version}",
        "engine": summary.engine,
        "files": summary.num_files,
        "rows": f"{counts.num_rows:,}",
        "answered": f"{counts.num_answered:,}",
        "without an answer": ", ".join(f"{code} {number:,}" for code, number in counts.refused.most_common()) or "none",
        "tokens": f"{counts.input_tokens:,} in, {counts.output_tokens:,} out",
    }
    print_rows([row], as_json=False, title=f"Answers in {output}")
    if counts.num_rows and not counts.num_answered:
        messages.print("no row was answered; each has its reason in its `error`", markup=False)
        raise typer.Exit(1)


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """Return FIELD=SOMETHING options as a mapping; SpecError for one of another form, and for a field given twice."""
    found: dict[str, str] = {}
    for text in given or ():
        field, equals, rest = text.partition("=")
        if not field or not equals or not rest:
            raise SpecError(f"{option} {text!r}: expected FIELD=SOMETHING, such as input=review")
        if field in found:
            raise SpecError(f"{option} gives the field {field!r} twice")
        found[field] = rest
    return found
