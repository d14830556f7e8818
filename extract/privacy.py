"""No identity passes this door: who reports becomes a key, what a text gives away becomes a mark.

A reporter's key is HMAC-SHA256 under a secret kept outside the database, so the same person can be counted twice
without anyone knowing who it is; an anonymous reporter has no key at all (domain rule: anonim excludes repeat-reporter
measures). UU 27/2022 and Perpres 76/2013 ask for both.
"""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

# Tried in this order at each place: a NIK must not be taken for an account number. All start with one of the signs
# of _NUMBERS, so that ordinary words cost nothing.
_NUMBER_PATTERNS: tuple[tuple[str, str], ...] = (
    ("NPWP", r"\b\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}\b"),
    ("TELEPON", r"(?:\+62|\b62|\b0)[ .\-]?8\d(?:[ .\-]?\d){6,10}\b"),
    ("NIK", r"\b\d{4}[ .\-]?\d{4}[ .\-]?\d{4}[ .\-]?\d{4}\b|\b\d{6}[ .\-]\d{6}[ .\-]\d{4}\b"),
    ("REKENING", r"\b\d(?:[ .\-]?\d){9,15}\b"),
    ("NOMOR LAPORAN", r"\bP-\d{3,5}/\d{4,6}/\w+|#\d{5,9}\b|\b\d{6,9}\b"),
)
_NUMBERS = re.compile(
    r"(?=[\d+#P])(?:"
    + "|".join(f"(?P<m{index}>{pattern})" for index, (_, pattern) in enumerate(_NUMBER_PATTERNS))
    + ")"
)
_MARKS = {f"m{index}": f"[{name}]" for index, (name, _) in enumerate(_NUMBER_PATTERNS)}
# Tried at the beginning of a run alone: elsewhere a long run without an address would cost its length squared.
_EMAIL = re.compile(r"(?<![\w.+\-])[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_PLATE = re.compile(r"\b(?!RT|RW|NO|KM)[A-Z]{1,2}[ \-][1-9]\d{0,3}[ \-](?!RT|RW)[A-Z]{1,3}\b")
_DIGIT = re.compile(r"\d")
_DIGITS_OF_ASCII = tuple("0123456789")
# An anonymous reporter's name stands in no field, but people sign: capitalised words after those that lead to a name.
_SIGNED = re.compile(
    r"\b((?i:hormat (?:saya|kami)|salam(?: hormat)?|tertanda|ttd|nama(?: saya| lengkap)?|saya bernama|atas nama|a\.n\.)"
    r"[ ,:.\-]*)[A-Z][\w'.]*(?: [A-Z][\w'.]*){0,3}"
)
# What every match of _SIGNED begins with: looking for these costs a tenth of looking for it.
_SIGNING_WORDS = ("hormat", "salam", "tertanda", "ttd", "nama", "a.n.")
_WORD = re.compile(r"[^\W\d_]{3,}")
_DIGITS = re.compile(r"\D+")
_SHORT = 80
OWN_IDENTITY = "[IDENTITAS]"


class Identity(NamedTuple):
    """What a record says of its reporter; lives only between reading a record and writing its row."""

    name: str | None = None
    national_id: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None

    def words(self) -> tuple[str, ...]:
        """What gives the reporter away in a text, in lower case: each value, and each word of the name."""
        words = [value.lower() for value in self if value]
        return (*words, *_WORD.findall(self.name.lower())) if self.name else tuple(words)


NOBODY = Identity()


def reporter_key(identity: Identity, secret: bytes) -> str | None:
    """Key of the person, 32 hex digits, from the most reliable datum there is; None when nothing identifies.

    Order: NIK, phone, e-mail, name. Each is normalised first, so `0812-3…` and `+62 812 3…` are one person.
    """
    if identity.national_id and (digits := _DIGITS.sub("", identity.national_id)):
        normal = f"nik:{digits}"
    elif identity.phone and (digits := _DIGITS.sub("", identity.phone)):
        normal = f"phone:{'62' + digits[1:] if digits.startswith('0') else digits}"
    elif identity.email:
        normal = f"email:{identity.email.strip().casefold()}"
    elif identity.name:
        normal = f"name:{' '.join(identity.name.casefold().split())}"
    else:
        return None
    inner, outer = (keyed.copy() for keyed in _keyed(secret))
    inner.update(normal.encode())
    outer.update(inner.digest())
    return outer.hexdigest()[:32]


@lru_cache(maxsize=8)
def _keyed(secret: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The two hashes of HMAC-SHA256 (RFC 2104), keyed once: `hmac.digest` keys them for every person anew,

    which is two thirds of its time. The tests hold both to the same keys.
    """
    block = (secret if len(secret) <= 64 else hashlib.sha256(secret).digest()).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def names(own: tuple[str, ...], lowered: str) -> bool:
    """Whether a text in small letters holds one of a reporter's words (`Identity.words`)."""
    return any(map(lowered.__contains__, own))


def is_harmless(text: str, lowered: str) -> bool:
    """Whether redact would leave a text as it is that names nobody, looked at from afar: most texts are so.

    `lowered` is the text in small letters. Texts with a line break between them can be looked at as one.
    """
    return not (len(lowered) != len(text) or names(_SIGNING_WORDS, lowered) or "@" in text or _has_digit(text))


def redact(text: str, own: tuple[str, ...] = (), *, again: bool = True) -> str:
    """The text with personal numbers and addresses, other reports' ids and the reporter's own words replaced by marks.

    `own` are the words of the record's own identity (`Identity.words`): they go first, because people sign. `again`
    says that a short text is likely to come again, as names of offices do and titles do not.
    """
    return _redact_word(text, own) if again and len(text) <= _SHORT else _redact(text, own)


def _redact(text: str, own: tuple[str, ...]) -> str:
    if own:
        lowered = text.lower()
        if len(lowered) == len(text):  # so that places in one are places in the other; true but for a few rare letters
            for word in own:
                if word in lowered:
                    text = _mask(text, lowered, word)
                    lowered = text.lower()
        else:
            for word in own:
                text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", OWN_IDENTITY, text, flags=re.IGNORECASE)
    return _scrub(text) if len(text) > _SHORT else _scrub_word(text)


# The office that has a complaint stands in each of its events.
_redact_word = lru_cache(maxsize=4096)(_redact)


def _mask(text: str, lowered: str, word: str) -> str:
    """The text with the mark in place of each occurrence of `word` that is not part of a longer word.

    Every reporter has words of his own: compiling a pattern for each would cost more than all the rest.
    """
    pieces, kept, start = [], 0, lowered.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_in_word(lowered, start - 1) or _in_word(lowered, end)):
            pieces += [text[kept:start], OWN_IDENTITY]
            kept = end
        start = lowered.find(word, start + 1)
    return "".join([*pieces, text[kept:]])


def _in_word(text: str, index: int) -> bool:
    return 0 <= index < len(text) and (text[index].isalnum() or text[index] == "_")


def _scrub(text: str) -> str:
    if names(_SIGNING_WORDS, text.lower()):
        text = _SIGNED.sub(rf"\1{OWN_IDENTITY}", text)
    if "@" in text:
        text = _EMAIL.sub("[EMAIL]", text)
    if _has_digit(text):
        text = _NUMBERS.sub(lambda match: _MARKS[match.lastgroup or "m0"], text)
        text = _PLATE.sub("[PELAT]", text)
    return text


def _has_digit(text: str) -> bool:
    return names(_DIGITS_OF_ASCII, text) if text.isascii() else _DIGIT.search(text) is not None


# Names of offices and categories come again and again; anything longer is a text of its own.
_scrub_word = lru_cache(maxsize=65_536)(_scrub)


def shape(text: str) -> str:
    """How a value looks without saying it: digits as 9, letters as a. For messages about unreadable values."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text[:40]))
