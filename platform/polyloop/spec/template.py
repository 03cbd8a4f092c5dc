"""What `polyloop init` writes: a commented starter spec, and sample corpora that it really trains on.

Input: a project name. Output: file contents by relative path; writing them is the caller's part.
The samples are product reviews written for this project: each is a thing and an opinion on it, in English and German,
so that the same sentences serve a sentiment task and a translation task.
"""

import json
import re

from polyloop.errors import SpecError
from polyloop.spec.fields import NAME_PATTERN

SPEC_FILE = "polyloop.yaml"
DEFAULT_PROJECT = "my-project"

_THINGS = (
    ("The coffee", "Der Kaffee"),
    ("The lamp", "Die Lampe"),
    ("The phone", "Das Telefon"),
    ("The backpack", "Der Rucksack"),
    ("The jacket", "Die Jacke"),
    ("The keyboard", "Die Tastatur"),
    ("The bicycle", "Das Fahrrad"),
    ("The book", "Das Buch"),
    ("The chair", "Der Stuhl"),
    ("The camera", "Die Kamera"),
    ("The umbrella", "Der Regenschirm"),
    ("The tent", "Das Zelt"),
)

_OPINIONS = {
    "positive": (
        ("is excellent", "ist ausgezeichnet"),
        ("is worth every cent", "ist jeden Cent wert"),
        ("makes me happy every day", "macht mich jeden Tag glücklich"),
        ("arrived early and in perfect condition", "kam früh und in tadellosem Zustand an"),
        ("is better than I had hoped", "ist besser, als ich gehofft hatte"),
        ("is a joy to use", "ist eine Freude im Gebrauch"),
        ("is beautifully made", "ist wunderschön verarbeitet"),
        ("was the best gift of the year", "war das beste Geschenk des Jahres"),
        ("deserves five stars", "verdient fünf Sterne"),
        ("convinced my whole family", "hat meine ganze Familie überzeugt"),
    ),
    "negative": (
        ("is terrible", "ist schrecklich"),
        ("was a waste of money", "war Geldverschwendung"),
        ("broke after two days", "ging nach zwei Tagen kaputt"),
        ("arrived late and damaged", "kam zu spät und beschädigt an"),
        ("is worse than the old one", "ist schlechter als das alte Modell"),
        ("smells awful", "riecht furchtbar"),
        ("is cheaply made", "ist billig verarbeitet"),
        ("was a great disappointment", "war eine große Enttäuschung"),
        ("does not deserve a single star", "verdient keinen einzigen Stern"),
        ("annoys me every day", "ärgert mich jeden Tag"),
    ),
}

_SPEC = """\
# What this project learns, serves and improves. Every key: docs/spec.md of Polyloop.
# Relative paths start at this file. ${NAME} and ${NAME:-default} are read from the environment in paths and URLs.

project: @PROJECT@

# Registry and feedback: a file here; on a cluster, postgresql+psycopg://user@host/database.
store: sqlite:///.polyloop/polyloop.db

# Datasets, checkpoints and model versions; on a cluster, a folder that all nodes share.
artefacts: .polyloop/artefacts

# Every locale that the project serves, as BCP-47 tags.
locales: [en, de]

# Raw sources. Formats: .jsonl, .csv, .tsv (each also .gz) and .parquet; or `hub:` with a Hugging Face dataset.
corpora:
  reviews:
    paths: [data/reviews.jsonl]
    columns: {input: text, target: label}
    locale: {column: locale}          # differs from row to row; one tag for the whole corpus is written `locale: en`
    licence: CC0-1.0
    source: sample sentences from `polyloop init`
  review-translations:
    paths: [data/translations.jsonl]
    columns: {input: en, target: de}
    locale: en
    target_locale: de
    licence: CC0-1.0
    source: sample sentences from `polyloop init`

tasks:
  sentiment:
    kind: classify
    labels: [positive, negative]
    corpora: [reviews]
    model:
      recipe: nano                    # trained from scratch; or `pretrained:` with a checkpoint's hub id or folder
      vocab_size: 600
      max_input_tokens: 128
    training:
      epochs: 10
      batch_tokens: 1024
      learning_rate: 2.0e-3
    gate:
      metric: macro_f1
      require: non_inferior           # no locale may lose more than the gate's `margin`, in points
      min_rows: 10

  reviews-to-german:
    kind: translate
    pairs: [en>de]
    corpora: [review-translations]
    model:
      recipe: nano
      vocab_size: 600
      max_input_tokens: 64
      max_target_tokens: 64
    training:
      epochs: 40
      batch_tokens: 1024
      learning_rate: 3.0e-3
    gate:
      metric: chrf
      min_rows: 10

# The HTTP door.
serving:
  host: 127.0.0.1
  port: 8000
  request_timeout_s: 30

# Which corrections become training rows.
feedback:
  min_trust: 0.6                      # users who are wrong more often than this are not learned from
  max_share_per_user: 0.25            # no single user may shape a round

# When a task is trained again.
retraining:
  min_corrections: 50
  min_interval_s: 3600
  # schedule: "0 3 * * *"             # also each night at 03:00 UTC, if there is anything new
"""


def starter_spec(project: str = DEFAULT_PROJECT) -> str:
    """Return a commented polyloop.yaml for `project`; SpecError if that is not a name."""
    if not re.fullmatch(NAME_PATTERN, project):
        raise SpecError(
            f"{project!r} cannot be the name of a project; write small letters, digits, - and _, such as my-project "
            "(63 characters at most)"
        )
    return _SPEC.replace("@PROJECT@", json.dumps(project) if _reads_as_number(project) else project)


def starter_files(project: str = DEFAULT_PROJECT) -> dict[str, str]:
    """Return every file of a new project: relative path -> content."""
    return {
        SPEC_FILE: starter_spec(project),
        "data/reviews.jsonl": _jsonl(_reviews()),
        "data/translations.jsonl": _jsonl(_translations()),
    }


def _reads_as_number(project: str) -> bool:
    """Tell whether YAML would read the bare name as something else than text (007, 1e3, null, true)."""
    return project[0].isdigit() or project in {"null", "true", "false"}


def _reviews() -> list[dict[str, str]]:
    return [
        {"text": sentence, "label": label, "locale": locale}
        for label in _OPINIONS
        for english, german in _sentences(label)
        for locale, sentence in (("en", english), ("de", german))
    ]


def _translations() -> list[dict[str, str]]:
    return [{"en": english, "de": german} for label in _OPINIONS for english, german in _sentences(label)]


def _sentences(label: str) -> list[tuple[str, str]]:
    return [
        (f"{thing[0]} {opinion[0]}.", f"{thing[1]} {opinion[1]}.") for thing in _THINGS for opinion in _OPINIONS[label]
    ]


def _jsonl(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
