"""What a version of an answer task holds besides a model: its settings, the index of its documents, perhaps an encoder.

answering.json holds the settings, index/ the index as `polyloop.retrieval.index_files` writes it, encoder/ the model
and the tokenizer that find passages by vectors. A version whose reader is not trained holds nothing else.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polyloop.errors import ArtefactError
from polyloop.retrieval.calibration import Calibration

ANSWERING_FILE = "answering.json"
INDEX_FOLDER = "index"
ENCODER_FOLDER = "encoder"
INDEX_FACTS_FILE = f"{INDEX_FOLDER}/index.json"
"""`INDEX_FILE` of `polyloop.retrieval.index_files`, which takes seconds to import."""


class AnsweringPart(BaseModel):
    """Base of the parts: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Curve(AnsweringPart):
    """From a reader's score to the chance of being right, and the least chance to answer with."""

    slope: float
    """Of the logistic curve."""
    intercept: float
    """Of the logistic curve."""
    threshold: Annotated[float, Field(ge=0)]
    """An answer with a smaller chance is held back."""

    def chance(self, score: float) -> float:
        """Return the chance, 0 to 1, that belongs to a score."""
        return Calibration(slope=self.slope, intercept=self.intercept).chance(score)


class AnsweringSettings(AnsweringPart):
    """What answering.json holds."""

    format: Literal[1] = 1
    """Version of this layout."""
    reader: Literal["sentences", "extractive", "generative"]
    """How passages are read."""
    num_passages: int
    """Passages that are read for a question."""
    num_citations: int
    """Most citations of an answer."""
    same_locale: bool
    """True looks only at documents in the question's own locale."""
    query_prefix: str = ""
    """Put before a question that the encoder reads."""
    curve: Curve
    """For locales without one of their own."""
    curves: dict[str, Curve] = {}
    """Locale -> its curve, where the dev split has enough of its questions."""

    def curve_of(self, locale: str) -> Curve:
        """Return the curve of a question's locale."""
        return self.curves.get(locale, self.curve)


def write_answering(settings: AnsweringSettings, folder: Path) -> None:
    """Write the settings into a folder in one step."""
    staging = folder / f".{ANSWERING_FILE}.{os.getpid()}"
    staging.write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
    staging.replace(folder / ANSWERING_FILE)


def read_answering(folder: Path) -> AnsweringSettings:
    """Return the settings in a folder; ArtefactError where they are missing or malformed."""
    path = folder / ANSWERING_FILE
    try:
        return AnsweringSettings.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtefactError(
            f"{path} cannot be read ({error.strerror}); the version does not belong to an answer task"
        ) from error
    except ValidationError as error:
        raise ArtefactError(f"{path} is malformed; publish the version again") from error
