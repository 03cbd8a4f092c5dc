"""Every error that Polyloop raises on purpose: one base, a shallow tree.

A message says what failed, with which value, and what to try. Each error is made of one message string, so it
survives pickling between Ray processes unchanged.
"""


class PolyloopError(Exception):
    """Base of all named failures; the CLI prints it on one line and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class SpecError(PolyloopError):
    """The spec file is missing, malformed or contradicts itself."""

    exit_code = 2


class DataError(PolyloopError):
    """A corpus cannot be read or holds nothing to learn from."""


class EmptySideError(DataError):
    """A row of a preference or binary set lacks its input, or a text that was judged."""


class EqualSidesError(DataError):
    """The two texts of a preference are the same, so that it prefers nothing."""


class OneSidedError(DataError):
    """A binary set holds good answers alone, or bad ones alone."""


class ModelError(PolyloopError):
    """A model cannot be built, loaded or used for its task."""


class ArtefactError(PolyloopError):
    """A published artefact is missing, incomplete or does not match its manifest."""


class StorageFullError(PolyloopError):
    """There was no space left; what was half-written has been removed."""


class TrainingError(PolyloopError):
    """Training stopped before it gave a model."""


class EvaluationError(PolyloopError):
    """An evaluation was asked for that has no meaning (such as an invalid metric and locale pair)."""


class SuiteError(EvaluationError):
    """A suite file is missing, malformed or does not fit the task that it is to try."""

    exit_code = 2


class RetrievalError(PolyloopError):
    """Documents cannot be indexed, or an index is missing, damaged or does not fit what is asked of it."""


class RegistryError(PolyloopError):
    """The registry was asked for something it does not have, or a change that its state forbids."""


class UnknownVersionError(RegistryError):
    """There is no version of that name."""


class ReleaseRefusedError(RegistryError):
    """A change of a release that its state, or the version's, forbids."""


class ReleaseChangedError(ReleaseRefusedError):
    """The release is no more what a change was decided on."""


class FeedbackError(PolyloopError):
    """Feedback is malformed, forged, or about something else."""


class RequestError(PolyloopError):
    """A request to the serving API is wrong; `status` is the HTTP status to answer with."""

    def __init__(self, message: str, status: int = 422, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def at(self, place: str) -> "RequestError":
        """Return the same error of one part of a request; `place` stands in front of the message."""
        return RequestError(f"{place}{self.message}", self.status, self.code)

    def __reduce__(self) -> tuple[type, tuple[str, int, str]]:
        return type(self), (self.message, self.status, self.code)


class ParameterError(RequestError):
    """A request is wrong at one place; `parameter` names it, such as `n` or `messages[0].content`."""

    def __init__(self, message: str, parameter: str, status: int = 400, code: str = "invalid_request") -> None:
        super().__init__(message, status, code)
        self.parameter = parameter

    def __reduce__(self) -> tuple[type, tuple[str, str, int, str]]:  # type: ignore[override]  # one argument more
        return type(self), (self.message, self.parameter, self.status, self.code)


class OverloadError(RequestError):
    """A request is refused (429) because too much is asked; `retry_after_s` says when it may be sent again."""

    def __init__(self, message: str, code: str, retry_after_s: float) -> None:
        super().__init__(message, 429, code)
        self.retry_after_s = retry_after_s

    def at(self, place: str) -> "OverloadError":
        """Return the same error of one part of a request."""
        return OverloadError(f"{place}{self.message}", self.code, self.retry_after_s)

    def __reduce__(self) -> tuple[type, tuple[str, str, float]]:  # type: ignore[override]  # other arguments
        return type(self), (self.message, self.code, self.retry_after_s)


class ClientError(PolyloopError):
    """A client of the serving API got no answer that it can use."""


class NoAnswerError(ClientError):
    """The service could not be reached, broke off, or did not answer before the deadline."""


class ProblemError(ClientError):
    """The service refused a request: `status`, its stable `code`, `detail`, and the `request_id` in its logs."""

    def __init__(self, detail: str, status: int, code: str, request_id: str | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.detail, self.status, self.code, self.request_id = detail, status, code, request_id

    def __reduce__(self) -> tuple[type, tuple[str, int, str, str | None]]:
        return type(self), (self.detail, self.status, self.code, self.request_id)


class RefusedRequestError(ProblemError):
    """The request itself is wrong (400, 409, 413, 422 and the rest of 4xx)."""


class RefusedKeyError(ProblemError):
    """The API key is missing, unknown or revoked (401), or lacks a scope (403)."""


class UnknownNameError(ProblemError):
    """There is no such task, version or route (404)."""


class OverloadedError(ProblemError):
    """The task has as many requests as it can take (429); each try was refused."""


class ServiceFailedError(ProblemError):
    """The service failed, has no model or no replica yet, or took too long (5xx)."""


class ClusterError(PolyloopError):
    """The Ray cluster is not there, refused the call or stopped answering."""


class NotLoadedError(ClusterError):
    """A replica did not load a version in time."""


TRACEBACK = "Traceback (most recent call last):"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type's name where it has none.

    Where that line only begins a traceback, which Ray's dashboard sends as its answer, the last line follows: it names
    the failure.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if lines[0].endswith(TRACEBACK) and len(lines) > 1:
        return f"{lines[0].removesuffix(TRACEBACK)}{lines[-1]}"
    return lines[0]
