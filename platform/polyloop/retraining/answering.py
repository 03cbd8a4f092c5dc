"""Makes of a trained reader, or of nothing, a version of an answer task: index, encoder, and curves fitted on dev rows.

Inputs: the folder of a trained model (empty where nothing is trained), the task, its dataset. Output: the folder, with
index/, encoder/ and at last answering.json, so that a folder that has it is complete. An index is built once for the
same documents, passage sizes and encoder, and kept beside the datasets. Limits: all passages and their index are held
in memory.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import torch

from polyloop.data.dataset import Dataset
from polyloop.data.documents import DOCUMENTS_NAME
from polyloop.data.storage import file_sha256, json_sha256
from polyloop.errors import ArtefactError, RetrievalError
from polyloop.evaluation.metrics.answers import answer_tokens, token_f1
from polyloop.models.answering import (
    ANSWERING_FILE,
    ENCODER_FOLDER,
    INDEX_FOLDER,
    AnsweringSettings,
    Curve,
    write_answering,
)
from polyloop.models.answers import Answers
from polyloop.models.contract import PredictInput
from polyloop.models.predict import contract_of
from polyloop.models.storage import named_storage_errors
from polyloop.retrieval.analysis import ANALYSIS_VERSION
from polyloop.retrieval.calibration import Calibration, fit_calibration
from polyloop.retrieval.dense import DenseEncoder, EncodingSettings, load_encoder
from polyloop.retrieval.document_lines import read_documents
from polyloop.retrieval.documents import Document, PassageSize
from polyloop.retrieval.index import build_index
from polyloop.retrieval.index_files import load_index, save_index
from polyloop.retrieval.sentence_reader import DEFAULT_CALIBRATION
from polyloop.retrieval.thresholds import choose_threshold
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec, task_locales

INDEXES_FOLDER = "indexes"

DEFAULT_THRESHOLD = 0.5
"""Least chance to answer with where no dev rows choose one: at 0.5, a wrong answer costs what a missing one does."""

MIN_ROWS_OF_LOCALE = 30
"""Dev rows with a candidate from which on a locale gets a curve of its own; its two numbers need some tens of rows."""

RIGHT_TOKEN_F1 = 0.5
"""Token F1 from which on an answer counts as right, where it does not hold the wanted one whole."""

DEFAULT_CALIBRATIONS = {
    "sentences": DEFAULT_CALIBRATION,
    "extractive": Calibration(slope=1.0, intercept=0.0),
    "generative": Calibration(slope=1.0, intercept=0.0),
}
"""Curves without dev rows. The scores of trained readers are log-odds by themselves."""


def complete_answering(loaded: LoadedSpec, task_name: str, task: TaskSpec, dataset: Dataset, folder: Path) -> None:
    """Put into a folder what a version of the task holds besides its model, unless it is there already."""
    if (folder / ANSWERING_FILE).exists():
        return
    encoder_dir = loaded.encoder(task_name)
    with named_storage_errors(f"the version in {folder}"):
        add_answering(
            folder,
            task,
            documents_of(dataset),
            dataset.table("dev"),
            locales=task_locales(task, loaded.spec.locales),
            encoder_dir=encoder_dir,
            index_dir=loaded.artefacts_dir / INDEXES_FOLDER / task_name / _index_key(dataset, task, encoder_dir),
        )


def add_answering(
    folder: Path,
    task: TaskSpec,
    documents: Sequence[Document],
    dev: pa.Table,
    *,
    locales: Sequence[str],
    encoder_dir: Path | None,
    index_dir: Path,
) -> AnsweringSettings:
    """Write index, encoder and settings into a folder and return the settings; `dev` has the columns of a split.

    `index_dir` is where the index is kept, and taken from if it is there.
    """
    encoder = _load_encoder(task, encoder_dir)
    _build_index(task, documents, encoder, index_dir)
    for part in (INDEX_FOLDER, ENCODER_FOLDER):
        shutil.rmtree(folder / part, ignore_errors=True)
    shutil.copytree(index_dir, folder / INDEX_FOLDER)
    if encoder is not None:
        encoder.model.save_pretrained(folder / ENCODER_FOLDER)
        encoder.tokenizer.save_pretrained(folder / ENCODER_FOLDER)
    settings = _settings(task)
    answers = Answers(folder, contract_of(task, locales), torch.device("cpu"), settings)
    settings = fitted(settings, answers, dev, task.answer.threshold)
    write_answering(settings, folder)
    return settings


def documents_of(dataset: Dataset) -> tuple[Document, ...]:
    """Return the documents that a dataset holds; ArtefactError if it holds none."""
    path = dataset.path / DOCUMENTS_NAME
    try:
        return read_documents(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise ArtefactError(f"{path} holds no documents ({error}); build the dataset again") from error


def fitted(settings: AnsweringSettings, answers: Answers, dev: pa.Table, threshold: float | None) -> AnsweringSettings:
    """Return the settings with curves fitted on dev rows: one for all, and one for each locale with enough of them."""
    columns = [dev.column(name).to_pylist() for name in ("input", "locale", "target")]
    rows = list(zip(*columns, strict=True))
    candidates = answers.candidates(
        [PredictInput(text=text, locale=locale, target_locale=locale) for text, locale, _ in rows]
    )
    scored = [
        (locale, one.score, is_right(one.text, target, locale))
        for one, (_, locale, target) in zip(candidates, rows, strict=True)
        if one.text
    ]
    whole = fit_curve([score for _, score, _ in scored], [right for *_, right in scored], settings.curve, threshold)
    curves: dict[str, Curve] = {}
    for locale in sorted({locale for locale, *_ in scored}):
        of_locale = [(score, right) for name, score, right in scored if name == locale]
        if len(of_locale) >= MIN_ROWS_OF_LOCALE:
            scores, rights = zip(*of_locale, strict=True)
            curves[locale] = fit_curve(scores, rights, whole, threshold)
    return settings.model_copy(update={"curve": whole, "curves": curves})


def fit_curve(scores: Sequence[float], right: Sequence[bool], default: Curve, threshold: float | None) -> Curve:
    """Return the curve that fits best, and the threshold that decides most rows rightly unless one is given.

    `default` comes back where there are too few rows, or only right or only wrong ones, so that nothing can be fitted.
    """
    if len(scores) < MIN_ROWS_OF_LOCALE or len(set(right)) < 2:
        return default
    calibration = fit_calibration(scores, right)
    if threshold is None:
        threshold = choose_threshold([calibration.chance(score) for score in scores], right)
    return Curve(slope=calibration.slope, intercept=calibration.intercept, threshold=threshold)


def is_right(given: str, wanted: str, locale: str) -> bool:
    """Return whether giving an answer would be right: it holds the wanted one whole, or much the same words."""
    ours, theirs = answer_tokens(given, locale), answer_tokens(wanted, locale)
    if not wanted.strip() or not theirs:
        return False
    places = range(len(ours) - len(theirs) + 1)
    holds = any(ours[place : place + len(theirs)] == theirs for place in places)
    return holds or token_f1(given, wanted, locale) >= RIGHT_TOKEN_F1


def _settings(task: TaskSpec) -> AnsweringSettings:
    """Return the settings before anything is fitted."""
    answer = task.answer
    default = DEFAULT_CALIBRATIONS[answer.reader]
    return AnsweringSettings(
        reader=answer.reader,
        num_passages=answer.num_passages,
        num_citations=answer.num_citations,
        same_locale=answer.same_locale,
        query_prefix=answer.encoder.query_prefix if answer.encoder is not None else "",
        curve=Curve(
            slope=default.slope,
            intercept=default.intercept,
            threshold=DEFAULT_THRESHOLD if answer.threshold is None else answer.threshold,
        ),
    )


def _load_encoder(task: TaskSpec, encoder_dir: Path | None) -> DenseEncoder | None:
    if encoder_dir is None or task.answer.encoder is None:
        return None
    prefixes = task.answer.encoder
    settings = EncodingSettings(query_prefix=prefixes.query_prefix, passage_prefix=prefixes.passage_prefix)
    return load_encoder(encoder_dir, settings)


def _index_key(dataset: Dataset, task: TaskSpec, encoder_dir: Path | None) -> str:
    """Return a digest of what decides an index: documents, sizes, rules of terms, and the encoder's files."""
    answer = task.answer
    weights = sorted(encoder_dir.glob("*.safetensors")) if encoder_dir is not None else []
    prefix = answer.encoder.passage_prefix if answer.encoder is not None else ""
    digest = json_sha256(
        [
            file_sha256(dataset.path / DOCUMENTS_NAME),
            [answer.passage_letters, answer.overlap_letters],
            ANALYSIS_VERSION,
            [prefix, [file_sha256(path) for path in weights]],
        ]
    )
    return digest[:32]


def _build_index(task: TaskSpec, documents: Sequence[Document], encoder: DenseEncoder | None, index_dir: Path) -> None:
    """Build and keep the index, unless a whole one is there."""
    if index_dir.is_dir():
        try:
            load_index(index_dir)
            return
        except RetrievalError:
            shutil.rmtree(index_dir)  # damaged since it was kept; what was published has copies of its own
    size = PassageSize(max_letters=task.answer.passage_letters, overlap_letters=task.answer.overlap_letters)
    save_index(build_index(documents, size=size, encoder=encoder), index_dir)
