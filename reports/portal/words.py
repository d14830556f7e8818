"""The portal's words in Bahasa Indonesia and English.

A sentence of one page stands in its template, both languages beside each other (`say("…", "…")`); here are the words
that the marts write as codes and several pages show.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from starlette.requests import Request

from reports import language as written
from reports.language import Language
from reports.report import Hidden

Words = tuple[str, str]  # Bahasa Indonesia, English
LANGUAGE_COOKIE = "bahasa"


def language_of(request: Request) -> Language:
    """English where the address or the cookie says so; Bahasa Indonesia otherwise."""
    asked = request.query_params.get("bahasa") or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if asked == "en" else "id"


KINDS: dict[str, Words] = {
    "kementerian": ("Kementerian", "Ministry"),
    "lembaga": ("Lembaga", "Institution"),
    "provinsi": ("Pemerintah provinsi", "Province"),
    "kabupaten": ("Pemerintah kabupaten", "Regency"),
    "kota": ("Pemerintah kota", "City"),
}

# The kinds as the marts' peer groups name them: "kota II".
PEERS: dict[str, Words] = {
    "kementerian": ("kementerian", "ministries"),
    "lembaga": ("lembaga", "institutions"),
    "provinsi": ("provinsi", "provinces"),
    "kabupaten": ("kabupaten", "regencies"),
    "kota": ("kota", "cities"),
}

METRICS: dict[str, Words] = {
    "followed_up_rate": ("Tingkat tindak lanjut", "Follow-up rate"),
    "completed_rate": ("Tingkat penyelesaian", "Completion rate"),
    "completed_rate_of_valid": ("Penyelesaian dari laporan valid", "Completion of valid complaints"),
    "first_response_within_limit_rate_of_due": ("Tindak lanjut tepat waktu", "First response within the limit"),
    "completion_within_limit_rate_of_due": ("Selesai tepat waktu", "Completion within the limit"),
    "routing_accuracy_rate_of_routed": ("Ketepatan disposisi", "Routing accuracy"),
}

# What each of them is a share of.
BASES: dict[str, Words] = {
    "followed_up_rate": ("laporan diterima", "complaints received"),
    "completed_rate": ("laporan diterima", "complaints received"),
    "completed_rate_of_valid": ("laporan diterima yang tidak diarsipkan", "complaints received and not archived"),
    "first_response_within_limit_rate_of_due": (
        "laporan yang batas tindak lanjutnya sudah lewat",
        "complaints whose limit for a first response has passed",
    ),
    "completion_within_limit_rate_of_due": (
        "laporan yang batas penyelesaiannya sudah lewat",
        "complaints whose limit for completion has passed",
    ),
    "routing_accuracy_rate_of_routed": ("laporan terdisposisi", "complaints routed"),
}

WINDOWS: dict[str, Words] = {
    "semester": ("Semester berjalan", "Half-year so far"),
    "twelve_months": ("Dua belas bulan", "Twelve months"),
}

NOT_COMPARABLE: dict[str, Words] = {
    "n_below_10": ("data tidak cukup (n\u00a0<\u00a010)", "too few complaints (n\u00a0<\u00a010)"),
    "n_below_30": ("tanpa peringkat (n\u00a0<\u00a030)", "not ranked (n\u00a0<\u00a030)"),
    "coverage_below_90": ("kelengkapan data di bawah 90%", "deliveries under 90% complete"),
    "too_few_peers": ("kelompok sebanding terlalu kecil", "too few peers"),
}

FUNNEL: dict[str, Words] = {
    "within": ("dalam batas wajar", "within the limits"),
    "above 95": ("di atas batas 95%", "above the 95% limit"),
    "above 99.8": ("di atas batas 99,8%", "above the 99.8% limit"),
    "below 95": ("di bawah batas 95%", "below the 95% limit"),
    "below 99.8": ("di bawah batas 99,8%", "below the 99.8% limit"),
}

INDICATIONS: dict[str, Words] = {
    "penundaan_berlarut": ("Indikasi penundaan berlarut", "Indication of prolonged delay"),
    "tidak_menanggapi": ("Indikasi tidak menanggapi", "Indication of not answering"),
    "bolak_balik_disposisi": ("Indikasi bolak-balik disposisi", "Indication of passing back and forth"),
    "dibuka_kembali": (
        "Indikasi penyelesaian tidak tuntas (dibuka kembali)",
        "Indication of completion that did not hold (reopened)",
    ),
    "pengaduan_berulang": ("Indikasi pengaduan berulang", "Indication of repeat complaints"),
}

# What each of them is looked for in.
INDICATION_BASES: dict[str, Words] = {
    "penundaan_berlarut": ("laporan yang tidak diarsipkan", "complaints not archived"),
    "tidak_menanggapi": (
        "laporan yang tenggat tindak lanjutnya sudah lewat",
        "complaints whose limit for a first response has passed",
    ),
    "bolak_balik_disposisi": ("laporan yang terdisposisi", "complaints routed"),
    "dibuka_kembali": ("laporan yang pernah selesai", "complaints once completed"),
    "pengaduan_berulang": (
        "laporan yang pelapornya dapat dikenali (tidak anonim)",
        "complaints whose reporter can be told (not anonymous)",
    ),
}

DELIVERY_STATES: dict[str, Words] = {
    "delivered": ("mengirim data", "delivered"),
    "empty": ("tidak ada yang baru", "nothing new"),
    "late": ("terlambat", "late"),
    "failed": ("gagal", "failed"),
    "held": ("ditahan pemeriksaan mutu", "held by the gate"),
    "not_connected": ("belum terhubung", "not connected"),
    "received": ("diterima", "received"),
}

ATTRIBUTES: dict[str, Words] = {
    "kerahasiaan": ("Kerahasiaan", "Confidentiality"),
    "penyelesaian": ("Penyelesaian", "Resolution"),
    "kecepatan_respons": ("Kecepatan respons", "Speed of response"),
    "kejelasan_jawaban": ("Kejelasan jawaban", "Clarity of answers"),
    "kesopanan_jawaban": ("Kesopanan jawaban", "Courtesy of answers"),
    "kejelasan_prosedur": ("Kejelasan prosedur", "Clarity of the procedure"),
    "kemudahan_memantau": ("Kemudahan memantau", "Ease of following up"),
    "kesesuaian_jawaban": ("Kesesuaian jawaban", "Relevance of answers"),
    "kemudahan_mendaftar": ("Kemudahan mendaftar", "Ease of registering"),
    "kemudahan_menggunakan": ("Kemudahan menggunakan", "Ease of use"),
}

BODIES: dict[str, Words] = {
    "panrb": ("Kementerian PANRB", "Ministry PANRB"),
    "ksp": ("Kantor Staf Presiden", "Executive Office of the President"),
    "ombudsman": ("Ombudsman RI", "Ombudsman RI"),
    "agency": ("Instansi", "Agency"),
}

RESOURCES: dict[str, Words] = {
    "complaints": ("laporan", "complaints"),
    "surveys": ("survei", "surveys"),
    "recaps": ("rekap", "recaps"),
    "activity": ("keaktifan", "activity"),
    "ratings": ("rating", "ratings"),
    "units": ("unit kerja", "units"),
}

FIGURES: dict[str, Words] = {
    "received": ("diterima", "received"),
    "routed": ("terdisposisi", "routed"),
    "followed_up": ("ditindaklanjuti", "followed up"),
    "completed": ("selesai", "completed"),
    "on_hold": ("tertunda", "on hold"),
    "in_progress": ("dalam proses", "in progress"),
    "archived": ("diarsipkan", "archived"),
}

CAUSES: dict[str, Words] = {
    "late_delivery": ("kiriman terlambat", "late delivery"),
    "rule_change": ("perubahan aturan hitung", "change of rules"),
    "correction": ("koreksi data", "correction"),
}

UNITS: dict[str, Words] = {
    "share": ("bagian, 0–100%", "share, 0–100%"),
    "percent": ("persen", "percent"),
    "percentage points": ("poin persen", "percentage points"),
    "working days": ("hari kerja", "working days"),
    "complaints": ("laporan", "complaints"),
    "ratio": ("rasio", "ratio"),
    "stars, 1 to 5": ("bintang, 1–5", "stars, 1–5"),
    "points, 25 to 100": ("poin, 25–100", "points, 25–100"),
    "points, 1 to 4": ("poin, 1–4", "points, 1–4"),
    "standard errors": ("galat baku", "standard errors"),
    "per 100,000 people": ("per 100.000 penduduk", "per 100,000 people"),
    "squared share": ("kuadrat bagian", "squared share"),
    "-log10 of a probability": ("–log10 peluang", "–log10 of a probability"),
}

# Whose a metric is, as the marts name them.
OWNERS: dict[str, Words] = {
    "Kemen PANRB": ("Kementerian PANRB", "Ministry PANRB"),
    "KSP": BODIES["ksp"],
    "Kantor Staf Presiden": BODIES["ksp"],
    "Ombudsman RI": BODIES["ombudsman"],
    "Pengelola gudang data": ("Pengelola gudang data", "Keeper of the warehouse"),
    "this warehouse": ("Pengelola gudang data", "Keeper of the warehouse"),
}

DIRECTIONS: dict[str, Words] = {
    "higher": ("lebih tinggi lebih baik", "higher is better"),
    "lower": ("lebih rendah lebih baik", "lower is better"),
    "neither": ("tidak menyatakan mutu", "says nothing of quality"),
}

# The code lists as templates name them.
CODE_LISTS: dict[str, dict[str, Words]] = {
    "KINDS": KINDS, "METRICS": METRICS, "BASES": BASES, "NOT_COMPARABLE": NOT_COMPARABLE, "FUNNEL": FUNNEL,
    "INDICATIONS": INDICATIONS, "INDICATION_BASES": INDICATION_BASES,
    "DELIVERY_STATES": DELIVERY_STATES, "ATTRIBUTES": ATTRIBUTES, "RESOURCES": RESOURCES, "FIGURES": FIGURES,
    "CAUSES": CAUSES, "UNITS": UNITS, "OWNERS": OWNERS, "DIRECTIONS": DIRECTIONS,
}  # fmt: skip


# Babel takes longer to write a number than the rest of its cell of a table takes, and pages repeat each other's.
_number = lru_cache(maxsize=20_000)(written.number)
_percent = lru_cache(maxsize=20_000)(written.percent)
_date_long = lru_cache(maxsize=2_000)(written.date_long)
_month = lru_cache(maxsize=2_000)(written.month)


@dataclass(frozen=True, slots=True)
class Speech:
    """How a page speaks: sentences, codes, numbers and dates in one language. Small counts are "*", unknown is "–"."""

    language: Language

    def say(self, indonesian: str, english: str) -> str:
        """The one of the two that the reader reads."""
        return english if self.language == "en" else indonesian

    def word(self, words: dict[str, Words], code: str | None) -> str:
        """A code in words; a code without words stands as it is, None is a dash."""
        if code is None:
            return written.UNKNOWN
        return self.say(*words[code]) if code in words else code

    def peers(self, group: str) -> str:
        """A peer group: kota II (English: cities II)."""
        kind, blank, band = group.partition(" ")
        return self.word(PEERS, kind) + blank + band

    def number(self, value: Any, decimals: int = 0) -> str:
        """1.294; hidden "*", None "–"."""
        return Hidden.SMALL.value if isinstance(value, Hidden) else _number(value, decimals, self.language)

    def percent(self, share: Any, decimals: int = 1) -> str:
        """A share of 1 as 75,7%; hidden "*", None "–"."""
        return Hidden.SMALL.value if isinstance(share, Hidden) else _percent(share, decimals, self.language)

    def signed(self, value: Any) -> str:
        """A difference with its sign: +12, −3, 0."""
        if value is None or isinstance(value, Hidden):
            return self.number(value)
        return ("+" if value > 0 else "") + self.number(value)

    def yes_no(self, answer: bool | None) -> str:
        """Ya, tidak, or a dash for what was not told."""
        return written.UNKNOWN if answer is None else self.say("ya", "yes") if answer else self.say("tidak", "no")

    def day(self, day: date | None) -> str:
        """30 Juni 2021."""
        return written.UNKNOWN if day is None else _date_long(day, self.language)

    def month(self, day: date) -> str:
        """Juni 2021."""
        return _month(day, self.language)

    def months(self, first: date, last: date) -> str:
        """Januari–Juni 2021; one month alone is Juni 2021."""
        if first == last:
            return self.month(first)
        if first.year == last.year:
            return f"{self.month(first).rsplit(' ', 1)[0]}–{self.month(last)}"
        return f"{self.month(first)}–{self.month(last)}"

    def days(self, first: date, last: date) -> str:
        """1 Januari–30 Juni 2021: the year once where it is one."""
        if first.year == last.year:
            return f"{self.day(first).rsplit(' ', 1)[0]}–{self.day(last)}"
        return f"{self.day(first)}–{self.day(last)}"

    def quarter(self, first: date) -> str:
        """Triwulan II 2021 (English: Q2 2021)."""
        position = (first.month - 1) // 3
        return self.say(f"Triwulan {('I', 'II', 'III', 'IV')[position]} {first.year}", f"Q{position + 1} {first.year}")

    def cut_off(self, night: date) -> str:
        """The end of a night's business day by the clock of Jakarta: 30 Juni 2021 pukul 24.00 WIB."""
        midnight = datetime.combine(night + timedelta(days=1), datetime.min.time(), written.JAKARTA)
        return written.moment(midnight.astimezone(UTC), self.language)

    def bytes(self, count: int) -> str:
        """A file's size: 214 kB."""
        return (
            f"{self.number(Decimal(count) / 1000)} kB"
            if count < 1_000_000
            else f"{self.number(Decimal(count) / 1_000_000, 1)} MB"
        )
