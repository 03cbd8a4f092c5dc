"""The client's objects have the fields of what the server sends, so that neither side forgets the other."""

import pytest

from polyloop.client import bodies
from polyloop.serving import schemas
from polyloop.tasks import KINDS
from polyloop.tasks.answer import Citation
from polyloop.tasks.base import Usage


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_of_a_kinds_answers_is_known(kind):
    fields = KINDS[kind].answer_model.model_fields
    assert fields.keys() <= bodies.Answer.model_fields.keys()
    for name in bodies.Answer.model_fields.keys() - fields.keys():
        assert not bodies.Answer.model_fields[name].is_required(), name


def test_an_answer_has_no_field_that_no_kind_sends():
    sent = {name for kind in KINDS.values() for name in kind.answer_model.model_fields}
    assert bodies.Answer.model_fields.keys() == sent


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (bodies.Usage, Usage),
        (bodies.Citation, Citation),
        (bodies.Receipt, schemas.FeedbackReceipt),
        (bodies.Task, schemas.TaskInfo),
        (bodies.ModelVersion, schemas.VersionInfo),
        (bodies.Health, schemas.Health),
    ],
)
def test_other_bodies_have_the_same_fields(ours, theirs):
    assert ours.model_fields.keys() == theirs.model_fields.keys()
