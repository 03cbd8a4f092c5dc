"""The loader: a valid file becomes a frozen LoadedSpec, and every mistake names file, line, key, value and fix."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.errors import SpecError
from polyloop.spec.loader import LoadedSpec, hide_password, load_spec, spec_digest

WriteSpec = Callable[[dict[str, Any] | str | bytes], Path]

VALID = """\
project: example
locales: [no, en]
corpora:
  moods:
    paths: ["${MOODS:-data}/*.jsonl"]
    columns: {input: text, target: label}
    locale: no
    licence: CC0-1.0
tasks:
  mood:
    kind: classify
    labels: [yes, no]
    corpora: [moods]
    model: {recipe: nano}
"""


def message(write_spec: WriteSpec, content: dict[str, Any] | str | bytes) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(write_spec(content))
    return str(caught.value)


def loaded(write_spec: WriteSpec, content: dict[str, Any] | str) -> LoadedSpec:
    return load_spec(write_spec(content))


def test_a_valid_file_gives_typed_values_and_places(write_spec: WriteSpec, tmp_path: Path) -> None:
    spec = loaded(write_spec, VALID)
    assert spec.spec.project == "example"
    assert spec.path == tmp_path / "polyloop.yaml"
    assert spec.root == tmp_path
    assert spec.store_url == f"sqlite:///{tmp_path}/.polyloop/polyloop.db"
    assert spec.artefacts_dir == tmp_path / ".polyloop/artefacts"


def test_a_relative_path_of_the_file_gives_absolute_places(
    write_spec: WriteSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_spec(VALID)
    monkeypatch.chdir(tmp_path)
    spec = load_spec("polyloop.yaml")
    monkeypatch.chdir("/")
    assert spec.path == tmp_path / "polyloop.yaml"
    assert spec.corpus_paths("moods") == [f"{tmp_path}/data/*.jsonl"]


def test_norwegian_and_labels_that_yaml_1_1_takes_for_booleans_stay_text(write_spec: WriteSpec) -> None:
    spec = loaded(write_spec, VALID).spec
    assert spec.locales == ("no", "en")
    assert spec.tasks["mood"].labels == ("yes", "no")


def test_the_digest_depends_on_meaning_and_not_on_layout(write_spec: WriteSpec) -> None:
    first = loaded(write_spec, VALID)
    lines = VALID.replace("[no, en]", '\n  - "no"   # Norwegian\n  - en')
    assert loaded(write_spec, lines).digest == first.digest == spec_digest(first.spec)
    assert len(first.digest) == 64
    assert loaded(write_spec, VALID.replace("[no, en]", "[en, no]")).digest != first.digest


def test_the_digest_does_not_depend_on_the_environment(write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    first = loaded(write_spec, VALID)
    monkeypatch.setenv("MOODS", "/elsewhere")
    second = loaded(write_spec, VALID)
    assert second.digest == first.digest
    assert second.corpus_paths("moods") == ["/elsewhere/*.jsonl"]


def test_a_pickled_spec_means_the_same_in_another_environment(
    write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODS", "/here")
    sent = pickle.dumps(loaded(write_spec, VALID))
    monkeypatch.setenv("MOODS", "/there")
    received = pickle.loads(sent)
    assert received.corpus_paths("moods") == ["/here/*.jsonl"]
    assert received.digest == load_spec(received.path).digest


def test_values_of_variables_are_not_shown(write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODS", "hidden-value")
    assert "hidden-value" not in repr(loaded(write_spec, VALID))


def test_an_unset_variable_is_an_error_that_names_it_when_it_is_needed(
    write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOODS", raising=False)
    spec = loaded(write_spec, VALID.replace(":-data", ""))
    with pytest.raises(SpecError, match=r"polyloop\.yaml:5: corpora\.moods\.paths\[0\]: .*variable MOODS is not set"):
        spec.corpus_paths("moods")


def test_store_and_artefacts_take_variables(write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "/data")
    text = VALID + 'store: "sqlite:///${PLACE}/p.db"\nartefacts: "${PLACE}/artefacts"\n'
    spec = loaded(write_spec, text)
    assert spec.store_url == "sqlite:////data/p.db"
    assert spec.artefacts_dir == Path("/data/artefacts")


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("sqlite:////var/p.db", "sqlite:////var/p.db"),
        ("sqlite:///p.db?timeout=5", "sqlite:///{root}/p.db?timeout=5"),
        ("postgresql+psycopg://me@db/loop", "postgresql+psycopg://me@db/loop"),
    ],
)
def test_store_urls_become_absolute(write_spec: WriteSpec, tmp_path: Path, store: str, expected: str) -> None:
    assert loaded(write_spec, f"{VALID}store: {store}\n").store_url == expected.format(root=tmp_path)


@pytest.mark.parametrize("store", ["mysql://me:secret@db/loop", "sqlite://", "sqlite:///:memory:", "polyloop.db"])
def test_an_unusable_store_is_refused_with_its_line_and_without_its_password(write_spec: WriteSpec, store: str) -> None:
    text = message(write_spec, f"{VALID}store: '{store}'\n")
    assert "polyloop.yaml:15: store: " in text
    assert "write sqlite:///folder/name.db or postgresql+psycopg://" in text
    assert "secret" not in text


def test_hide_password_leaves_urls_without_one_alone() -> None:
    assert hide_password("postgresql://me:p%40ss@db/x") == "postgresql://me:***@db/x"
    assert hide_password("sqlite:///p.db") == "sqlite:///p.db"


def test_hub_ids_stay_and_folders_become_absolute(write_spec: WriteSpec, tmp_path: Path) -> None:
    text = VALID.replace('paths: ["${MOODS:-data}/*.jsonl"]', "hub: HUB").replace("recipe: nano", "pretrained: START")
    other = loaded(write_spec, text.replace("HUB", "owner/moods").replace("START", "owner/model"))
    assert other.corpus_hub("moods") == "owner/moods"
    assert other.pretrained("mood") == "owner/model"
    (tmp_path / "moods").mkdir()
    local = loaded(write_spec, text.replace("HUB", "moods").replace("START", "./model"))
    assert local.corpus_hub("moods") == f"{tmp_path}/moods"
    assert local.pretrained("mood") == f"{tmp_path}/model"


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/moods/*.jsonl",
        "s3://key:secret@bucket/moods.jsonl?endpoint_override=host:9000&scheme=http",
        "gs://bucket/moods.jsonl.gz",
        "hdfs://name-node:8020/moods/**/*.parquet",
        "file:///data/moods.jsonl",
    ],
)
def test_urls_of_corpora_stay_as_they_are(write_spec: WriteSpec, tmp_path: Path, url: str) -> None:
    spec = loaded(write_spec, VALID.replace('"${MOODS:-data}/*.jsonl"', f'"{url}", more.jsonl'))
    assert spec.corpus_paths("moods") == [url, f"{tmp_path}/more.jsonl"]


def test_variables_in_urls_of_corpora_are_read(write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODS", "s3://bucket")
    assert loaded(write_spec, VALID).corpus_paths("moods") == ["s3://bucket/*.jsonl"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///rows.db", "sqlite:///{root}/rows.db"),
        ("sqlite:////data/rows.db", "sqlite:////data/rows.db"),
        ("postgresql+psycopg://me:${MOODS_PASSWORD}@db/rows", "postgresql+psycopg://me:p%40ss@db/rows"),
        ("${MOODS_URL:-mysql+pymysql://me@db/rows}", "mysql+pymysql://me@db/rows"),
    ],
)
def test_urls_of_databases_take_variables_and_files_become_absolute(
    write_spec: WriteSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, expected: str
) -> None:
    monkeypatch.setenv("MOODS_PASSWORD", "p%40ss")
    sql = f'sql: {{url: "{url}", query: SELECT 1}}'
    spec = loaded(write_spec, VALID.replace('paths: ["${MOODS:-data}/*.jsonl"]', sql))
    assert spec.corpus_sql_url("moods") == expected.format(root=tmp_path)
    assert (spec.corpus_paths("moods"), spec.corpus_hub("moods")) == ([], None)
    assert "p%40ss" not in repr(spec)


def test_an_unset_password_of_a_database_is_an_error_that_names_its_line(
    write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOODS_PASSWORD", raising=False)
    sql = 'sql: {url: "postgresql://me:${MOODS_PASSWORD}@db/rows", query: SELECT 1}'
    spec = loaded(write_spec, VALID.replace('paths: ["${MOODS:-data}/*.jsonl"]', sql))
    with pytest.raises(SpecError, match=r":5: corpora\.moods\.sql\.url: .*variable MOODS_PASSWORD is not set"):
        spec.corpus_sql_url("moods")


def test_a_corpus_of_files_has_no_database(write_spec: WriteSpec) -> None:
    with pytest.raises(SpecError, match=r"corpora\.moods has no `sql`"):
        loaded(write_spec, VALID).corpus_sql_url("moods")


def test_a_corpus_of_paths_has_no_hub_and_a_recipe_no_checkpoint(write_spec: WriteSpec) -> None:
    spec = loaded(write_spec, VALID)
    assert spec.corpus_hub("moods") is None
    assert spec.pretrained("mood") is None


def test_unknown_tasks_and_corpora_are_refused_with_the_known_ones(write_spec: WriteSpec) -> None:
    spec = loaded(write_spec, VALID)
    assert spec.task("mood").kind == "classify"
    with pytest.raises(SpecError, match=r"no task 'mod'; known tasks: mood \(did you mean mood\?\)"):
        spec.task("mod")
    with pytest.raises(SpecError, match=r"no corpus 'x'; known corpora: moods$"):
        spec.corpus("x")


def test_a_missing_file_suggests_init(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.yaml: there is no such file; .*`polyloop init`") as caught:
        load_spec(tmp_path / "nowhere.yaml")
    assert "\n" not in str(caught.value)


def test_a_folder_is_not_a_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="this is a folder"):
        load_spec(tmp_path)


def test_a_path_through_a_file_cannot_be_read(write_spec: WriteSpec) -> None:
    path = write_spec(VALID)
    with pytest.raises(SpecError, match="cannot be read: Not a directory"):
        load_spec(path / "polyloop.yaml")


def test_all_mistakes_of_a_file_are_told_at_once_in_its_order(write_spec: WriteSpec) -> None:
    text = VALID.replace("example", "My Project").replace("recipe: nano", "recipe: nanoo").replace("kind", "knd")
    lines = message(write_spec, text).splitlines()
    places = [line.split("polyloop.yaml:")[1].split(": ")[0:2] for line in lines]
    assert places == [
        ["1", "project"],
        ["10", "tasks.mood.kind"],
        ["11", "tasks.mood.knd"],
        ["14", "tasks.mood.model.recipe"],
    ]


def test_more_than_ten_mistakes_are_counted(write_spec: WriteSpec) -> None:
    lines = message(write_spec, VALID + "".join(f"wrong{number}: 1\n" for number in range(14))).splitlines()
    assert len(lines) == 11
    assert lines[-1].endswith("polyloop.yaml: and 4 more errors")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("example", "My Project", ':1: project: "My Project" is not a name; write small letters'),
        ("[no, en]", "[no, EN]", ":2: locales[1]: 'EN' is not a locale; write a BCP-47 tag"),
        ("[no, en]", "[]", ":2: locales: [] is too short; give at least 1"),
        ("[no, en]", "no", ':2: locales: "no" does not fit; write a list, such as [a, b]'),
        ("paths:", "path:", ":5: corpora.moods.path: there is no such key; known keys here: cleaning, columns, "),
        ("paths:", "path:", "(did you mean paths?)"),
        ("    locale: no\n", "", ":4: corpora.moods.locale: this key is missing; add `locale:` (Locale of the input"),
        ("    locale: no", "    locale: 5", ":7: corpora.moods.locale: 5 does not fit; write a locale such as en, or"),
        ("    locale: no", "    locale: {colum: x}", ":7: corpora.moods.locale.colum: there is no such key"),
        ("    locale: no", "    locale: Norsk", ":7: corpora.moods.locale: 'Norsk' is not a locale"),
        (
            "classify",
            "clasify",
            '"clasify" is not allowed; write one of classify, translate,',
        ),
        ("[yes, no]", "[1, true]", ":12: tasks.mood.labels[0]: 1 does not fit; write a text; put quotes around it"),
        ("[yes, no]", "[1, true]", ":12: tasks.mood.labels[1]: true does not fit; write a text; put quotes around it"),
        ("[yes, no]", "[yes]", ":12: tasks.mood.labels: a classify task needs `labels`: at least two, each once"),
        ("[yes, no]", '[yes, "no "]', "`labels` may not be empty, nor begin or end with a space"),
        ("[moods]", "[moods, mods]", ":13: tasks.mood.corpora[1]: task 'mood' names the corpus 'mods'; known corpora"),
        ("[moods]", "[moods, moods]", "`corpora` has 'moods' more than once; keep one"),
        ("recipe: nano", "recipe: nano, pretrained: x", "a model needs exactly one of `recipe` and `pretrained`"),
        ("recipe: nano", "recipe: nano, vocab_size: 2.5", "model.vocab_size: 2.5 does not fit; write a whole number"),
        ("recipe: nano", "recipe: nano, vocab_size: 9", "9 does not fit: input should be greater than or equal to 300"),
        ("{recipe: nano}", "nano", ':14: tasks.mood.model: "nano" does not fit; write a mapping of keys'),
        ("labels:", "training: {seed: -1}\n    labels:", ":12: tasks.mood.training.seed: -1 does not fit"),
        (
            "labels:",
            "training: {epochs: .nan}\n    labels:",
            "training.epochs: NaN does not fit; write a finite number",
        ),
        (
            "labels:",
            "gate: {metric: bleu}\n    labels:",
            "the metric 'bleu' has no meaning for classify; write default",
        ),
        *(
            (
                "labels:",
                f"multi_label: true\n    gate: {{metric: {metric}}}\n    labels:",
                f"the metric '{metric}' has no meaning for classify with `multi_label`; write default, macro_f1 or",
            )
            for metric in ("calibration_error", "in_scope_accuracy")
        ),
        ("labels:", "pairs: [no>en]\n    labels:", "`pairs` belongs to translate tasks; remove it or change `kind`"),
        (
            "labels:",
            "locales: [sv]\n    labels:",
            ":12: tasks.mood.locales[0]: task 'mood' uses the locale 'sv'; add it",
        ),
        ("labels:", "serving: {min_replicas: 9}\n    labels:", "`min_replicas` is 9, more than `max_replicas`"),
        ("tasks:", "retraining: {schedule: daily}\ntasks:", "retraining.schedule: 'daily' is not a cron expression"),
        ("tasks:", "serving:\ntasks:", ":9: serving: null does not fit; write a mapping of keys"),
    ],
)
def test_a_mistake_is_explained(write_spec: WriteSpec, old: str, new: str, expected: str) -> None:
    assert VALID.count(old) == 1
    assert expected in message(write_spec, VALID.replace(old, new))


def test_a_long_value_is_shortened_in_its_error(write_spec: WriteSpec) -> None:
    text = message(write_spec, VALID.replace("example", "x" * 500))
    assert len(text) < 300
    assert "xxx..." in text


def test_a_translate_corpus_must_fit_a_pair(write_spec: WriteSpec, spec_data: dict[str, Any]) -> None:
    spec_data["corpora"]["sentences"]["target_locale"] = "en"
    text = message(write_spec, spec_data)
    assert "corpus 'sentences' is en>en, which is not among the `pairs` of task 'to-german': en>de" in text
    assert ": corpora.sentences: " in text


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["en-de"], "'en-de' is not a language pair; write source>target"),
        (["en > de"], "'en ' is not a locale"),
        (["en>de", "en>de"], "`pairs` has 'en>de' more than once"),
    ],
)
def test_pairs_are_checked(write_spec: WriteSpec, spec_data: dict[str, Any], pairs: list[str], expected: str) -> None:
    spec_data["tasks"]["to-german"]["pairs"] = pairs
    assert expected in message(write_spec, spec_data)


@pytest.mark.parametrize(
    ("mood", "to_german", "expected"),
    [
        ({"vocab_size": 301}, {}, "their `model.tokenizer` and `model.vocab_size` must be the same"),
        ({}, {"tokenizer": "unigram"}, "tasks 'mood' and 'to-german' share the tokenizer 'ours'"),
        ({"shared_tokenizer": "Our own"}, {}, "is not a name"),
    ],
)
def test_tasks_that_share_a_tokenizer_want_the_same_one(
    write_spec: WriteSpec,
    spec_data: dict[str, Any],
    mood: dict[str, Any],
    to_german: dict[str, Any],
    expected: str,
) -> None:
    for name, changes in (("mood", mood), ("to-german", to_german)):
        spec_data["tasks"][name]["model"] |= {"shared_tokenizer": "ours"} | changes
    assert expected in message(write_spec, spec_data)


def test_tasks_may_share_a_tokenizer_or_have_their_own(write_spec: WriteSpec, spec_data: dict[str, Any]) -> None:
    spec_data["tasks"]["mood"]["model"] |= {"shared_tokenizer": "ours", "vocab_size": 400}
    spec_data["tasks"]["mood-2"] = spec_data["tasks"]["mood"]
    spec_data["tasks"]["to-german"]["model"] |= {"shared_tokenizer": "another", "tokenizer": "unigram"}
    spec = loaded(write_spec, spec_data).spec
    assert [task.model.shared_tokenizer for task in spec.tasks.values()] == ["ours", "another", "ours"]


def test_a_mistake_in_how_a_corpus_is_cleaned_names_its_line(write_spec: WriteSpec) -> None:
    text = VALID.replace("    locale: no\n", "    locale: no\n    cleaning:\n      quality: {rules: [gofer]}\n")
    expected = ':9: corpora.moods.cleaning.quality.rules[0]: "gofer" is not allowed; write one of gopher, '
    assert expected in message(write_spec, text)
