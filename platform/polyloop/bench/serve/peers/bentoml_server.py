"""BentoML as its documentation has it: `bentoml serve bentoml_server:Service --port N`; it echoes, in one worker.

Input: `{"input": text}`; output: `{"output": text}`. Runs in an environment of its own.
"""

import bentoml


@bentoml.service(workers=1)
class Service:
    """Gives back what it gets."""

    @bentoml.api  # type: ignore[untyped-decorator]  # it is not installed where types are checked
    async def answer(self, input: str) -> dict[str, str]:
        """Give the input back."""
        return {"output": input}
