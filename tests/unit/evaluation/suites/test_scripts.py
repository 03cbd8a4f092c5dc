"""Scripts of locales."""

import pytest

from polyloop.evaluation.suites.scripts import script_of


@pytest.mark.parametrize(
    ("locale", "script"),
    [
        ("en", "Latn"), ("en-GB", "Latn"), ("de-AT", "Latn"), ("ru", "Cyrl"), ("el", "Grek"), ("zh", "Hans"),
        ("zh-Hant", "Hant"), ("zh-TW", "Hant"), ("zh-Hans-HK", "Hans"), ("ja", "Jpan"), ("th", "Thai"), ("ko", "Kore"),
        ("sr-Latn", "Latn"), ("und", "Zyyy"), ("qaa", "Zyyy"),
    ],
)  # fmt: skip
def test_the_script_is_the_tags_own_or_the_likely_one(locale, script):
    assert script_of(locale) == script
