"""An engine driven without any server: `python -m polyloop.bench.serve.raw ENGINE TASK.json`.

Input: `echo`, or the folder of a published version, and a JSON file with texts, locales, size of a batch and seconds.
Output: as JSON on stdout rows a second, and the percentiles of a call.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from polyloop.bench.serve.engines import EchoEngine
from polyloop.bench.serve.tally import percentile
from polyloop.models.contract import PredictInput
from polyloop.models.predict import Predictor

THREADS = 1


class RawPlan(BaseModel):
    """What an engine is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    texts: tuple[str, ...]
    """Asked by turns."""
    locale: str
    target_locale: str
    batch_size: int
    """Texts of a call."""
    warm_s: float = 1.0
    counted_s: float = 5.0


def drive(engine: Predictor, plan: RawPlan) -> dict[str, Any]:
    """Ask call after call and return what was measured."""
    inputs = cycle(PredictInput(text=one, locale=plan.locale, target_locale=plan.target_locale) for one in plan.texts)
    calls_ms: list[float] = []
    counted_from = time.perf_counter() + plan.warm_s
    while (began := time.perf_counter()) < counted_from + plan.counted_s:
        engine.predict(list(islice(inputs, plan.batch_size)))
        if began >= counted_from:
            calls_ms.append((time.perf_counter() - began) * 1000)
    return {
        "batch_size": plan.batch_size,
        "rows_per_s": round(len(calls_ms) * plan.batch_size / (sum(calls_ms) / 1000), 2),
        "p50_ms": round(percentile(calls_ms, 50), 4),
        "p99_ms": round(percentile(calls_ms, 99), 4),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Drive an engine and print what was measured."""
    parser = argparse.ArgumentParser(description="an engine without a server")
    parser.add_argument("engine", help="echo, or the folder of a version")
    parser.add_argument("plan", type=Path)
    options = parser.parse_args(arguments)
    plan = RawPlan.model_validate_json(options.plan.read_bytes())
    is_echo = options.engine == "echo"
    engine = EchoEngine() if is_echo else Predictor(Path(options.engine), threads=THREADS, device="cpu")
    json.dump({"engine": options.engine if is_echo else str(engine.engine)} | drive(engine, plan), sys.stdout)


if __name__ == "__main__":
    main()
