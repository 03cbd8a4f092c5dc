"""The scripts that put no spaces between words, as a character class for regular expressions.

Output: a constant. Limits: the blocks that people type today. polyloop.data.scripts tells scripts apart and stands
above this package; retrieval only has to know where words cannot be told by spaces.
"""

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u31f0-\u31ff"
SOUTH_EAST_ASIA = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3\u17dc-\u17dd"

UNSPACED = f"{HAN}{KANA}{SOUTH_EAST_ASIA}"
"""Chinese, Japanese, Thai, Lao, Burmese and Khmer, with their vowel and tone marks; to be put between brackets."""

HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
"""Korean puts spaces between words but hangs particles on them; to be put between brackets."""
