"""What every task kind has to say: its requests and answers, and how its texts become token ids and back.

Inputs: texts, locales and a Hugging Face tokenizer. Outputs: lists of token ids, or text. Nothing is truncated here:
callers compare lengths with the spec's limits. Texts are expected to be normalised already. Special tokens written
out in a text (such as "</s>") are encoded as ordinary characters, so a user cannot steer the model with them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from polyloop.errors import ModelError, RequestError
from polyloop.spec.fields import UNDETERMINED, Locale
from polyloop.spec.kinds import METRICS_OF_KIND
from polyloop.spec.models import TaskSpec

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Architecture = Literal["encoder", "encoder-decoder", "decoder", "span-encoder", "retrieval"]
"""Shape of what a task trains: a span-encoder has a head for the first and the last token of an answer, and with
retrieval nothing is trained."""


class TaskRequest(BaseModel):
    """What a user sends to any task."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    input: str = Field(min_length=1, max_length=100_000)
    """The text to work on."""
    locale: Locale | None = None
    """BCP-47 tag of the input; it is detected when absent."""
    user: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """Your own id of the person who asks, kept with the inference."""
    session: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """Your own id of the visit, where there is no `user`: while a canary runs, one version answers all of a visit. It
    is not kept."""


class Usage(BaseModel):
    """Tokens that one answer took."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    input_tokens: int
    """Tokens read, special ones included."""
    output_tokens: int
    """Tokens written; 0 for classify."""


class Fired(BaseModel):
    """A guardrail that met something in an input or an output, which went on all the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    guard: str
    """Which guardrail."""
    on: Literal["input", "output"]
    """Which text."""
    action: Literal["mask", "flag"]
    """`mask`: it was replaced; `flag`: it was only noted."""
    count: int
    """How many places."""


class TaskAnswer(BaseModel):
    """What any task answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """Signed inference id; feedback refers to it."""
    task: str
    """Name of the task."""
    locale: str
    """Locale of the input, as told or detected; `und` when it cannot be told."""
    version: str
    """Model version that answered."""
    output: str
    """The answer."""
    usage: Usage
    """Tokens read and written."""
    latency_ms: float
    """Time from receipt to answer inside the service, in milliseconds."""
    guardrails: tuple[Fired, ...] | None = None
    """What guardrails met; absent where they met nothing."""


class EncodedRows(NamedTuple):
    """Rows as the model reads them, in their order."""

    input_ids: list[list[int]]
    target_ids: list[list[int]]
    refusals: list[str | None]
    """Why a row cannot be learned from; None where it can."""


class TaskKind(ABC):
    """One kind of task; its instances hold no state."""

    name: ClassVar[str]
    architecture: ClassVar[Architecture]
    has_labels: ClassVar[bool] = False
    """True if the answer is one of the task's labels, False if it is text."""
    request_model: ClassVar[type[TaskRequest]]
    answer_model: ClassVar[type[TaskAnswer]]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that an evaluation of the kind tells; the first is the gate's default."""
        return METRICS_OF_KIND[self.name]

    @property
    def learns(self) -> bool:
        """True if there is a model to train."""
        return self.architecture != "retrieval"

    def variant(self, task: TaskSpec) -> "TaskKind":
        """Return the kind as a task wants it; only kinds that may have different models give another."""
        return self

    def relevant_document(self, text: str) -> str:
        """Return the id of the document that an input's answer stands in; empty for kinds without documents."""
        return ""

    def said(self, request: TaskRequest) -> str:
        """Return the text by which the language of a request is told."""
        return request.input

    def input_text(self, request: TaskRequest, task: TaskSpec, locale: str) -> str:
        """Return the text that stands for a request everywhere: the model reads it, and feedback's rows hold it."""
        return request.input

    def user_texts(self, request: TaskRequest) -> tuple[str, ...]:
        """Return the texts of a request that its user wrote, which guardrails look at."""
        return (request.input,)

    def with_user_texts(self, request: TaskRequest, texts: Sequence[str]) -> TaskRequest:
        """Return a request with other texts in the places of `user_texts`."""
        return request.model_copy(update={"input": texts[0]})

    @abstractmethod
    def special_tokens(self, task: TaskSpec) -> list[str]:
        """Return the tokens, besides padding, end and unknown, that a tokenizer for this task must keep whole."""

    def resolve_target_locale(self, task: TaskSpec, locale: str, target_locale: str | None) -> str:
        """Return the locale of the output for an input in `locale`: its own, unless the kind says otherwise.

        RequestError if the task does not serve it.
        """
        if task.locales and locale not in task.locales and locale != UNDETERMINED:
            raise RequestError(
                f"this task does not serve the locale {locale!r}; it serves {', '.join(task.locales)}",
                code="unknown_locale",
            )
        if target_locale not in (None, locale):
            raise RequestError(f"a {self.name} task takes no target_locale; leave it out", code="unknown_locale")
        return locale

    @abstractmethod
    def encode_inputs(
        self, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], target_locales: Sequence[str]
    ) -> list[list[int]]:
        """Return the token ids that the model reads, one list a text, special tokens included."""

    @abstractmethod
    def encode_targets(
        self, tokenizer: "PreTrainedTokenizerBase", targets: Sequence[str], task: TaskSpec
    ) -> list[list[int]]:
        """Return the token ids (or the one label index) that the model learns to give, one list a target."""

    def encode_rows(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        inputs: Sequence[str],
        targets: Sequence[str],
        target_locales: Sequence[str],
        task: TaskSpec,
    ) -> EncodedRows:
        """Return inputs and targets together, for kinds whose target ids depend on the input."""
        return EncodedRows(
            input_ids=self.encode_inputs(tokenizer, inputs, target_locales),
            target_ids=self.encode_targets(tokenizer, targets, task),
            refusals=[None] * len(targets),
        )


def plain_ids(
    tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], *, as_target: bool = False
) -> list[list[int]]:
    """Return the token ids of each text alone, with no special token added or recognised.

    `as_target` matters to the few tokenizers that cut the two sides differently, such as Marian's.
    """
    if not texts:
        return []
    encoded = tokenizer(
        **{"text_target" if as_target else "text": list(texts)},
        add_special_tokens=False,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return list(encoded["input_ids"])


def end_id(tokenizer: "PreTrainedTokenizerBase") -> int:
    """Return the id of the tokenizer's end-of-sequence token; ModelError if it has none."""
    if not isinstance(tokenizer.eos_token_id, int):
        raise ModelError(
            f"the tokenizer {tokenizer.name_or_path!r} has no end-of-sequence token; use a checkpoint whose tokenizer "
            "defines eos_token"
        )
    return tokenizer.eos_token_id
