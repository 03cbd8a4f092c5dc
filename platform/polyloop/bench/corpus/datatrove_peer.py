"""The common pipeline as datatrove runs it: its local executor, its blocks, its defaults where they fit.

Input: a folder of JSON Lines with id, text and language. Output: Parquet files, and as JSON on stdout rows in and out,
seconds of each stage. Run it in a process of its own:
`python -m polyloop.bench.corpus.datatrove_peer INPUT WORK [--workers 2]`; its log goes to stderr. WORK is a new folder.

Departures from datatrove's defaults, all of which make it faster or let it run without a network:
- Words are what white space separates, as in the papers of the rules, and each Chinese character is one. By default
  datatrove loads a tokenizer a language (spaCy and others), which are slower and several of which download models.
- Languages are told by the function that Polyloop uses, which asks fastText's small model first. By default datatrove
  downloads fastText's large one.
- Gopher's stop words are asked of English only, and word lengths not of Chinese: the published rules fit only English.
- Files between stages are not compressed, and documents that exact deduplication drops are filtered again where
  MinHash deduplication needs the stream, rather than written once more.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from polyloop.bench.corpus.sources import UNSPACED
from polyloop.data.language import detect, matches

NAME = "datatrove 0.10, local executor, words by white space"
_WORDS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3400-\u4dbf\u4e00-\u9fff]+")

COUNTED = frozenset({"documents", "total", "dropped"})

Verdict = bool | tuple[bool, str]


class RegexWords:
    """A tokenizer for datatrove; only its words are ever asked for."""

    def word_tokenize(self, text: str) -> list[str]:
        """Return runs without white space, and Chinese characters one by one."""
        return _WORDS.findall(text)

    def __reduce__(self) -> tuple[Callable[[], "RegexWords"], tuple[()]]:
        return regex_words, ()


@cache
def regex_words() -> RegexWords:
    """Return the one tokenizer of this process, made known to datatrove, which remembers words by tokenizer."""
    from datatrove.utils.word_tokenizers import WordTokenizer

    WordTokenizer.register(RegexWords)
    return RegexWords()


class QualityByLanguage:
    """Gopher's quality rules, with the settings that fit a document's language."""

    def __init__(self) -> None:
        from datatrove.pipeline.filters import GopherQualityFilter

        words = regex_words()
        self._english = GopherQualityFilter(language=words)
        self._spaced = GopherQualityFilter(language=words, min_stop_words=None)
        self._unspaced = GopherQualityFilter(language=words, min_stop_words=None, min_avg_word_length=None)

    def __call__(self, document: Any) -> Verdict:
        """Return whether a document stays, or False with the reason."""
        language = document.metadata["language"]
        chosen = self._unspaced if language in UNSPACED else self._english if language == "en" else self._spaced
        verdict: Verdict = chosen.filter(document)
        return verdict


def in_declared_language(document: Any) -> bool:
    """Return whether a document is in the language that its row says."""
    return matches(detect(document.text), document.metadata["language"])


def document_text(document: Any) -> str:
    """Return what makes two documents the same."""
    return str(document.text)


class Pipeline:
    """The stages, each a run of the local executor over as many tasks as there are input files."""

    def __init__(self, source: Path, work: Path, *, workers: int, buckets: int, hashes_per_bucket: int) -> None:
        self._source, self._work, self._workers = source, work, workers
        self._hashing = {"num_buckets": buckets, "hashes_per_bucket": hashes_per_bucket}
        self._tasks = len(list(source.glob("*.jsonl")))
        self.seconds: dict[str, float] = {}
        self.steps: list[dict[str, Any]] = []

    def run(self) -> None:
        """Run all stages in order; the first does nothing and so shows what starting a stage costs."""
        from datatrove.pipeline.dedup import MinhashConfig

        config = MinhashConfig(**self._hashing)
        self._stage("start", [[]], tasks=self._workers)
        self._stage("clean", self._clean_steps())
        self._stage("exact_find", self._exact_find_steps(), tasks=1)
        self._stage("near_sign", [*self._distinct(), self._signature(config)])
        self._stage("near_match", self._near_match_steps(config), tasks=config.num_buckets)
        self._stage("near_cluster", self._near_cluster_steps(config), tasks=1)
        self._stage("write", [*self._distinct(), *self._write_steps()])

    def _clean_steps(self) -> list[Any]:
        from datatrove.pipeline.dedup import ExactDedupSignature
        from datatrove.pipeline.filters import GopherRepetitionFilter, LambdaFilter
        from datatrove.pipeline.formatters import FTFYFormatter
        from datatrove.pipeline.readers import JsonlReader
        from datatrove.pipeline.writers import JsonlWriter

        return [
            JsonlReader(str(self._source), glob_pattern="*.jsonl"),
            FTFYFormatter(normalization="NFC"),
            LambdaFilter(in_declared_language),
            GopherRepetitionFilter(language=regex_words()),
            LambdaFilter(QualityByLanguage()),
            JsonlWriter(self._folder("clean"), compression=None),
            ExactDedupSignature(self._folder("exact-signatures"), _exact_config()),
        ]

    def _exact_find_steps(self) -> list[Any]:
        from datatrove.pipeline.dedup import ExactFindDedups

        folders = self._folder("exact-signatures"), self._folder("exact-found")
        return [ExactFindDedups(*folders, _exact_config())]

    def _distinct(self) -> list[Any]:
        """Return the steps that read the cleaned documents without exact duplicates."""
        from datatrove.pipeline.dedup import ExactDedupFilter
        from datatrove.pipeline.readers import JsonlReader

        reader = JsonlReader(self._folder("clean"), glob_pattern="*.jsonl")
        return [reader, ExactDedupFilter(self._folder("exact-found"), _exact_config())]

    def _signature(self, config: Any) -> Any:
        from datatrove.pipeline.dedup import MinhashDedupSignature

        return MinhashDedupSignature(self._folder("near-signatures"), config=config, language=regex_words())

    def _near_match_steps(self, config: Any) -> list[Any]:
        from datatrove.pipeline.dedup import MinhashDedupBuckets

        return [MinhashDedupBuckets(self._folder("near-signatures"), self._folder("near-pairs"), config=config)]

    def _near_cluster_steps(self, config: Any) -> list[Any]:
        from datatrove.pipeline.dedup import MinhashDedupCluster

        return [MinhashDedupCluster(self._folder("near-pairs"), self._folder("near-dropped"), config=config)]

    def _write_steps(self) -> list[Any]:
        from datatrove.pipeline.dedup import MinhashDedupFilter
        from datatrove.pipeline.writers import ParquetWriter

        return [MinhashDedupFilter(self._folder("near-dropped")), ParquetWriter(self._folder("output"))]

    def _stage(self, name: str, steps: list[Any], *, tasks: int | None = None) -> None:
        """Run one stage and keep its time and what each of its steps was given and let through."""
        from datatrove.executor import LocalPipelineExecutor

        started = time.perf_counter()
        executor = LocalPipelineExecutor(
            steps, tasks=tasks or self._tasks, workers=self._workers, logging_dir=self._folder(f"log-{name}")
        )
        statistics = executor.run()
        self.seconds[name] = round(time.perf_counter() - started, 3)
        for step, found in zip(steps, statistics.stats, strict=False):
            counts = {what: int(count.total) for what, count in found.stats.items() if what in COUNTED}
            self.steps.append({"stage": name, "step": type(step).__name__, **counts})

    def _folder(self, name: str) -> str:
        return str(self._work / name)


@cache
def _exact_config() -> Any:
    from datatrove.pipeline.dedup import ExactDedupConfig

    return ExactDedupConfig(content_getter=document_text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the pipeline and print what it did."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("source", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--buckets", type=int, default=14, help="bands of the MinHash signature")
    parser.add_argument("--hashes-per-bucket", type=int, default=8, help="numbers in a band")
    options = parser.parse_args(arguments)
    import multiprocess

    # A process with threads (those of numpy's libraries) had better not be forked.
    multiprocess.set_start_method("forkserver")
    pipeline = Pipeline(
        options.source,
        options.work,
        workers=options.workers,
        buckets=options.buckets,
        hashes_per_bucket=options.hashes_per_bucket,
    )
    started = time.perf_counter()
    pipeline.run()
    elapsed_s = time.perf_counter() - started
    report = {
        "name": NAME,
        "rows_in": next(step["documents"] for step in pipeline.steps if "documents" in step),
        "rows_out": pipeline.steps[-1]["total"],
        "seconds": pipeline.seconds,
        "elapsed_s": round(elapsed_s, 3),
        "steps": pipeline.steps,
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    from polyloop.bench.corpus import datatrove_peer

    # Under its own name rather than `__main__`, so that worker processes find its classes.
    datatrove_peer.main()
