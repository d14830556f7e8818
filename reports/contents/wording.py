"""Indonesian sentences made of figures: how they count, list and name things."""

from collections.abc import Sequence

from reports.language import number

# The taxonomy of SP4N-LAPOR! is all capitals and does not say which of its words are names: these are.
NAMES = frozenset(
    {
        "ASN", "BLT", "BPJS", "BPJS-TK", "BPN", "CPNS", "DD", "KIP", "KIS", "KK", "KKS", "KTP", "KUR", "LAPOR!", "MBG",
        "PDAM", "PHK", "PKH", "PLN", "PNS", "SIM", "SIPP", "SP4N-LAPOR!", "STNK", "TIK", "TKI", "UMKM",
    }
)  # fmt: skip
PLACES = frozenset({"INDONESIA"})  # names that are words


def counted(count: int, noun: str) -> str:
    """1.294 laporan, satu laporan, tidak ada laporan: how a sentence counts. Raises ValueError for a negative count."""
    if count < 0:
        raise ValueError(f"{count} {noun}: a count is not negative")
    return {0: f"tidak ada {noun}", 1: f"satu {noun}"}.get(count, f"{number(count)} {noun}")


def sentence(text: str) -> str:
    """With its first letter large."""
    return text[:1].upper() + text[1:]


def listed(names: Sequence[str]) -> str:
    """a; a dan b; a, b, dan c."""
    if len(names) < 3:
        return " dan ".join(names)
    return f"{', '.join(names[:-1])}, dan {names[-1]}"


def category_words(category: str) -> str:
    """A category as a line of text has it: "KETENAGAKERJAAN > STATUS KLAIM" is "Ketenagakerjaan: status klaim"."""
    words = category.replace(" > ", ": ").split(" ")
    return sentence(" ".join(_word(word) for word in words))


def _word(word: str) -> str:
    return "/".join(_part(part) for part in word.split("/"))


def _part(part: str) -> str:
    name = part.strip("(),:")
    if name in NAMES:
        return part
    return part.capitalize() if name in PLACES else part.lower()
