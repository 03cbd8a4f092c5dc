"""The Python examples of docs/api.md do what they show, against a real service."""

import re
from pathlib import Path

import pytest
from tests.support.wire_site import WireSite

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_the_guide_has_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_an_example_runs(example: str, site: WireSite, capsys: pytest.CaptureFixture[str]) -> None:
    code = example.replace("http://127.0.0.1:8000", site.url).replace("plk_...", site.key)
    assert code != example
    names: dict[str, object] = {}
    exec(compile(code, str(GUIDE), "exec"), names)
    if "OpenAI" in names:
        names["client"].close()  # type: ignore[attr-defined]
    assert capsys.readouterr().out.strip()
