"""The demo's corpora, holdout and traffic: what version 1 learns from, what judges it, and what users ask.

Input: a folder and a seed. Output: corpora in several formats with a polyloop.yaml that names them, and a pool of
user inputs with their right answers. The same seed gives the same bytes.

Holdout and traffic come from one distribution and share no input; the train corpora share none with the holdout and
lack some patterns (localise: quantities, percentages and half of the territories; sentiment: negation and idioms), so
that users have something to teach. A few rows of the train corpora are broken on purpose, to show that a dataset
build counts them and says why it dropped them.
"""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from polyloop.demo import localise, sentiment
from polyloop.demo.localise import Sentence


@dataclass(frozen=True, kw_only=True)
class CorpusSizes:
    """How many sentences to draw; a localise sentence becomes one row per target locale."""

    localise_train: int = 3_500
    localise_holdout: int = 250
    localise_traffic: int = 2_800
    sentiment_train: int = 1_600
    """Per locale, as the two below."""
    sentiment_holdout: int = 250
    sentiment_traffic: int = 1_000


DEMO_SIZES = CorpusSizes()
QUICKSTART_SIZES = CorpusSizes(
    localise_train=900,
    localise_holdout=100,
    localise_traffic=100,
    sentiment_train=400,
    sentiment_holdout=100,
    sentiment_traffic=100,
)
QUICKSTART_SEED = 7
CONTROL_SHARE = 0.18
"""Part of the traffic that repeats train inputs, whose right answers the platform knows."""


@dataclass(frozen=True, kw_only=True)
class DemoCorpora:
    """What was written: the spec, and each file of corpora by corpus name."""

    spec_path: Path
    files: dict[str, Path]


@dataclass(frozen=True, kw_only=True)
class TrafficItem:
    """One input of a user, with the right answer; `is_control` tells that it stands in a train corpus."""

    task: str
    input: str
    locale: str
    target_locale: str
    truth: str
    pattern: str
    is_control: bool


@dataclass(frozen=True, kw_only=True)
class _Pools:
    train: Sequence[Sentence]
    holdout: Sequence[Sentence]
    traffic: Sequence[Sentence]


def write_corpora(folder: Path, seed: int, sizes: CorpusSizes = DEMO_SIZES) -> DemoCorpora:
    """Write the demo's corpora and its polyloop.yaml into `folder`, replacing files of the same name."""
    files = _write_files(folder / "data", seed, sizes)
    spec_path = folder / "polyloop.yaml"
    spec_path.write_bytes(resources.files("polyloop.demo").joinpath("polyloop.yaml").read_bytes())
    return DemoCorpora(spec_path=spec_path, files=files)


def write_quickstart(folder: str | Path) -> None:
    """Write the small corpora that docs/examples/quickstart.yaml names into `folder`/data."""
    _write_files(Path(folder) / "data", QUICKSTART_SEED, QUICKSTART_SIZES)


def _write_files(data: Path, seed: int, sizes: CorpusSizes) -> dict[str, Path]:
    data.mkdir(parents=True, exist_ok=True)
    localised = _localise_pools(seed, sizes)
    opinions = {locale: _sentiment_pools(seed, locale, sizes) for locale in sentiment.LOCALES}
    return {
        "localise-de": _write_pairs(data / "localise-de.jsonl", localised.train, "de"),
        "localise-zh": _write_pairs(data / "localise-zh.jsonl.gz", localised.train, "zh-Hans"),
        "localise-holdout-de": _write_pairs(data / "localise-holdout-de.jsonl", localised.holdout, "de", dirty=False),
        "localise-holdout-zh": _write_pairs(
            data / "localise-holdout-zh.csv", localised.holdout, "zh-Hans", dirty=False
        ),
        "sentiment-en": _write_opinions(data / "sentiment-en.jsonl", opinions["en"].train, "en"),
        "sentiment-de": _write_opinions(data / "sentiment-de.tsv", opinions["de"].train, "de"),
        "sentiment-zh": _write_opinions(data / "sentiment-zh.jsonl", opinions["zh-Hans"].train, "zh-Hans"),
        "sentiment-holdout": _write_mixed_opinions(
            data / "sentiment-holdout.jsonl", [row for pools in opinions.values() for row in pools.holdout]
        ),
    }


def traffic(seed: int, sizes: CorpusSizes = DEMO_SIZES) -> Sequence[TrafficItem]:
    """Return the users' inputs of both tasks, shuffled; the part of controls is `CONTROL_SHARE`."""
    rng = random.Random(f"{seed}/traffic")
    pools = [_localise_pools(seed, sizes), *(_sentiment_pools(seed, locale, sizes) for locale in sentiment.LOCALES)]
    items: list[TrafficItem] = []
    for pool in pools:
        num_controls = round(len(pool.traffic) * CONTROL_SHARE / (1 - CONTROL_SHARE))
        items += [_item(rng, sentence, is_control=False) for sentence in pool.traffic]
        items += [_item(rng, sentence, is_control=True) for sentence in rng.sample(pool.train, num_controls)]
    rng.shuffle(items)
    return items


def _item(rng: random.Random, sentence: Sentence, *, is_control: bool) -> TrafficItem:
    target_locale = rng.choice(sorted(sentence.targets))
    return TrafficItem(
        task=sentence.task,
        input=sentence.input,
        locale=sentence.locale,
        target_locale=target_locale,
        truth=sentence.targets[target_locale],
        pattern=sentence.pattern,
        is_control=is_control,
    )


@cache
def _localise_pools(seed: int, sizes: CorpusSizes) -> _Pools:
    rng = random.Random(f"{seed}/localise")
    return _draw_pools(
        lambda: localise.draw_sentence(rng), sizes.localise_train, sizes.localise_holdout, sizes.localise_traffic
    )


@cache
def _sentiment_pools(seed: int, locale: str, sizes: CorpusSizes) -> _Pools:
    rng = random.Random(f"{seed}/sentiment/{locale}")
    return _draw_pools(
        lambda: sentiment.draw_sentence(rng, locale),
        sizes.sentiment_train,
        sizes.sentiment_holdout,
        sizes.sentiment_traffic,
    )


def _draw_pools(draw: Callable[[], Sentence], num_train: int, num_holdout: int, num_traffic: int) -> _Pools:
    """Deal distinct inputs in turn, so that holdout and traffic stay one distribution; lacking ones never to train."""
    seen: set[str] = set()
    asked: list[Sentence] = []
    train: list[Sentence] = []
    while len(asked) < num_holdout + num_traffic or len(train) < num_train:
        sentence = draw()
        if sentence.input in seen:
            continue
        if len(asked) < num_holdout + num_traffic:
            asked.append(sentence)
        elif not sentence.lacking:
            train.append(sentence)
        seen.add(sentence.input)
    step = len(asked) // num_holdout
    holdout = asked[::step][:num_holdout]
    held = {sentence.input for sentence in holdout}
    return _Pools(train=train, holdout=holdout, traffic=[row for row in asked if row.input not in held])


def _write_pairs(path: Path, sentences: Sequence[Sentence], target_locale: str, *, dirty: bool = True) -> Path:
    rows = [{"source": row.input, "target": row.targets[target_locale]} for row in sentences]
    if dirty:
        rows += rows[:4] + [{"source": "This sentence was never localised.", "target": ""}] * 2
    return _write_rows(
        path, rows, broken=b'{"source": "Temperature: 5 \xb0C", "target": "5 \xb0C"}\n' if dirty else b""
    )


def _write_opinions(path: Path, sentences: Sequence[Sentence], locale: str) -> Path:
    rows = [{"text": row.input, "label": row.targets[locale]} for row in sentences]
    rows += [*rows[:3], {"text": rows[-1]["text"] + " ;-)", "label": "sarcastic"}, {"text": "???", "label": ""}]
    broken = b"caf\xe9\tpositive\n" if path.suffix == ".tsv" else b'{"text": "caf\xe9", "label": "positive"}\n'
    return _write_rows(path, rows, broken=broken)


def _write_mixed_opinions(path: Path, sentences: Iterable[Sentence]) -> Path:
    rows = [
        {"text": row.input, "label": row.targets[row.locale], "language": row.locale.partition("-")[0]}
        for row in sentences
    ]
    return _write_rows(path, rows)


def _write_rows(path: Path, rows: Sequence[dict[str, str]], broken: bytes = b"") -> Path:
    """Write `rows` in the format that the name of `path` tells, then the bytes of a broken line."""
    plain_name = path.name.removesuffix(".gz")
    text = _json_lines(rows) if plain_name.endswith(".jsonl") else _delimited(rows, plain_name.endswith(".tsv"))
    payload = text.encode() + broken
    path.write_bytes(gzip.compress(payload, mtime=0) if path.suffix == ".gz" else payload)
    return path


def _json_lines(rows: Sequence[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _delimited(rows: Sequence[dict[str, str]], tabs: bool) -> str:
    buffer = io.StringIO()
    dialect = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if tabs else {"delimiter": ","}
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n", **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
