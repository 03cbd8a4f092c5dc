"""The identity of an example: one input of a task, in one language direction, has one id.

Input: task, locales and normalised input. Output: 32 hexadecimal digits. The id leaves out the target, so
conflicting targets of one input meet under the same id, and a split that hashes the id never tears them apart.
"""

import hashlib

ID_BYTES = 16
SEPARATOR = "\x1f"


def example_id(task: str, locale: str, target_locale: str, normalised_input: str) -> str:
    """Return the id of an example: BLAKE2b-128 over the four texts joined by U+001F, as 32 hexadecimal digits.

    `normalised_input` is what `polyloop.tasks.text.normalise_text` returns, which never holds the separator.
    """
    joined = SEPARATOR.join((task, locale, target_locale, normalised_input))
    return hashlib.blake2b(joined.encode("utf-8"), digest_size=ID_BYTES).hexdigest()
