"""Tells inputs that try to give a model other instructions, by phrases and marks that such inputs use.

Input: a text. Output: spans of what gave it away. Pure. These are heuristics: they know the plain forms of the attack
in eight languages, and no paraphrase; what must not happen has to be out of the model's reach, not only forbidden.
"""

import re

_GAP = r"[\W_]{1,4}(?:[^\W_]{1,30}[\W_]{1,4}){0,4}"
"""Up to four words between two that matter. No character can be both part of a word and between words, so that there is
one way to read a text, and time grows with its length."""

_PHRASES = (
    # English
    rf"\b(?:ignore|disregard|forget|override|bypass){_GAP}(?:previous|prior|above|earlier|preceding|system|initial)"
    rf"{_GAP}(?:instructions?|prompts?|rules|messages?|directions?|guidelines?|context)\b",
    rf"\b(?:reveal|show|print|repeat|output|display){_GAP}(?:system|initial|hidden|secret){_GAP}"
    r"(?:prompts?|instructions?|messages?)\b",
    r"\b(?:you are|act as|pretend to be)\b[\w\s,'’]{0,40}\b(?:unrestricted|jailbroken|developer mode|dan mode)\b",
    r"\b(?:developer|dan|jailbreak) mode\b[\w\s,'’]{0,20}\b(?:enabled|activated)\b",
    # German
    rf"\b(?:ignorier|vergiss|missacht|umgeh)\w*{_GAP}(?:vorherig|bisherig|obig|vorig|früher)\w*{_GAP}"
    r"(?:anweisung|anleitung|regel|befehl|vorgab)\w*",
    rf"\b(?:zeig|verrat|nenn|wiederhol)\w*{_GAP}(?:system|geheim)\w*[\W_]{{0,3}}(?:prompt|anweisung|vorgab)\w*",
    # French
    rf"\b(?:ignor|oubli|néglig)\w*{_GAP}(?:instructions?|consignes?|règles?|messages?){_GAP}"
    r"(?:précédent|antérieur|ci-dessus)\w*",
    # Spanish and Portuguese
    rf"\b(?:ignor|olvid|esque)\w*{_GAP}(?:instrucciones|instruções|reglas|regras|órdenes|mensajes){_GAP}"
    r"(?:anterior|previ|prévi)\w*",
    # Italian
    rf"\b(?:ignor|dimentic)\w*{_GAP}(?:istruzioni|regole|messaggi){_GAP}precedent\w*",
    # Chinese, simplified and traditional
    "(?:忽略|无视|無視|忘记|忘記|忘掉)[^。！？\n]{0,12}(?:之前|以上|前面|先前|上面|系统|系統)[^。！？\n]{0,8}(?:指令|指示|提示|规则|規則|要求)",
    "(?:显示|顯示|输出|輸出|告诉我|告訴我|重复|重複)[^。！？\n]{0,8}(?:系统|系統|隐藏|隱藏)(?:提示|指令|消息|訊息)",
    # Japanese
    "(?:以前|これまで|上記|前)の[^。！？\n]{0,6}(?:指示|命令|プロンプト|ルール)[^。！？\n]{0,6}(?:無視|忘れ)",
)
_MARKS = (
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>",
    r"\[/?(?:INST|SYS)\]",
    r"<</?SYS>>",
    r"(?m:^\s*#{2,}\s*(?:system|instructions?|new instructions?)\b[ :]*$)",
    r"\b(?:system|new instructions?)\s*:\s*(?:you (?:are|must|will)|ignore|forget)\b",
)
"""Marks by which models tell roles apart; people who ask a question do not write them."""

_PATTERN = re.compile("|".join((*_PHRASES, *_MARKS)), re.IGNORECASE)


def find_injection(text: str) -> list[tuple[int, int]]:
    """Return where a text tries to instruct the model."""
    return [match.span() for match in _PATTERN.finditer(text)]
