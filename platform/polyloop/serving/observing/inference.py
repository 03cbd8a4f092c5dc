"""Follows one inference in the router: what becomes known of it goes into figures, its span and the request's line.

Inputs: what the router comes to know, in the order in which it does. Effect: figures of the table, a span `inference`
below the request's, and facts for the access line.
"""

from polyloop.feedback.ids import InferenceClaim
from polyloop.serving.calls import Call
from polyloop.serving.choice import Choice
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.requests import RequestFigures
from polyloop.serving.metrics.table import ANSWERED
from polyloop.serving.observing.asked import asked_now
from polyloop.serving.tracing.spans import current_span, is_fault
from polyloop.tasks.base import TaskAnswer


class ObservedInference:
    """Used as a context around an inference; what ends it decides its outcome."""

    def __init__(self, recorder: Recorder, task: str) -> None:
        self._figures = RequestFigures(recorder, task)
        self.started_s = self._figures.started_s
        """When it was asked for, by `time.perf_counter`."""
        self.span = current_span().child("inference", task=task)
        self._asked = asked_now()
        if self._asked:
            self._asked.task = task
            self._asked.num_inputs += 1

    def __enter__(self) -> "ObservedInference":
        return self

    def chosen(self, choice: Choice) -> None:
        """Note which version was picked."""
        self.span.note(version=choice.version, is_canary=choice.is_canary, propensity=choice.propensity)
        if self._asked:
            self._asked.version = choice.version

    def called(self, call: Call) -> None:
        """Note which version is asked, and in which locale."""
        self._figures.called(call)
        self.span.note(version=call.version, locale=call.locale, target_locale=call.target_locale)
        if self._asked:
            self._asked.locale = call.locale

    def piece(self) -> None:
        """Note that a piece of a stream goes out."""
        self._figures.piece()

    def answered(self, claim: InferenceClaim, answer: TaskAnswer) -> None:
        """Note the answer."""
        self._figures.answered(answer)
        tokens = {"input_tokens": answer.usage.input_tokens, "output_tokens": answer.usage.output_tokens}
        self.span.note(inference_id=str(claim.inference_id), **tokens)
        if self._asked:
            self._asked.input_tokens += answer.usage.input_tokens
            self._asked.output_tokens += answer.usage.output_tokens

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._figures.__exit__(kind, error, trace)
        outcome = self._figures.outcome
        self.span.note(outcome=outcome)
        if outcome != ANSWERED:
            self.span.failed(outcome, is_fault(error))
        if self._asked and self._asked.outcome in (None, ANSWERED):
            self._asked.outcome = outcome
        self.span.__exit__(None, None, None)
