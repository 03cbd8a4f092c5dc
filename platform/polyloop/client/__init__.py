"""A typed Python client of a Polyloop service: `from polyloop import Client`.

Importing it takes neither torch nor Ray. `Client` is for threads, `AsyncClient` for event loops; both do the same.
"""

from polyloop.client.asynchronous import AsyncAnswerStream, AsyncClient
from polyloop.client.bodies import Answer, Citation, Health, ModelVersion, Receipt, Task, Usage
from polyloop.client.retries import Retries
from polyloop.client.synchronous import AnswerStream, Client

__all__ = [
    "Answer",
    "AnswerStream",
    "AsyncAnswerStream",
    "AsyncClient",
    "Citation",
    "Client",
    "Health",
    "ModelVersion",
    "Receipt",
    "Retries",
    "Task",
    "Usage",
]
