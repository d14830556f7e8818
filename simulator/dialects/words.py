"""Words and formats that several dialects share: the national system's, and the tickets of local ones."""

from datetime import datetime, timedelta, timezone
from functools import cache

from simulator.dirt import UNKNOWN_STATUS_WORD, Defect, Quirk
from simulator.registry import Agency
from simulator.reports import Report

CLASS_WORDS = {"PENGADUAN": "Pengaduan", "ASPIRASI": "Aspirasi", "PERMINTAAN_INFORMASI": "Permintaan Informasi"}
CHANNEL_WORDS = {
    "WEBSITE": "Website",
    "SMS": "SMS",
    "TWITTER_X": "Twitter",
    "ANDROID": "Android",
    "IOS": "iOS",
    "WHATSAPP": "WhatsApp",
    "INSTAGRAM": "Instagram",
    "FACEBOOK": "Facebook",
    "TATAP_MUKA": "Tatap Muka",
}
STATUS_WORDS = {
    "BELUM_TERVERIFIKASI": "belum diverifikasi",
    "TERDISPOSISI": "terdisposisi",
    "DIPROSES": "dalam proses",
    "TERTUNDA": "tertunda",
    "SELESAI": "telah selesai",
    "DIARSIPKAN": "diarsipkan",
}
NO_BREAK_SPACE = "\u00a0"
DATE_FORMAT = "%d/%m/%Y %H:%M:%S"
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)


def local_time(at: int, utc_offset: int) -> datetime:
    """The wall clock, with its offset, at an instant (seconds since 1970 UTC)."""
    return datetime.fromtimestamp(at, _zone(utc_offset))


def written_date(at: int, utc_offset: int) -> str:
    """ "04/03/2021 09:12:44" on the wall clock of that offset."""
    return local_time(at, utc_offset).strftime(DATE_FORMAT)


def indonesian_text(at: int, utc_offset: int) -> str:
    """ "4 Maret 2021 09.12.44" on the wall clock of that offset."""
    clock = local_time(at, utc_offset)
    return f"{clock.day} {MONTHS[clock.month - 1]} {clock:%Y %H.%M.%S}"


def status_word(report: Report, seen: int) -> str:
    """The status as the national system writes it; a word nobody knows where the row has that defect."""
    return UNKNOWN_STATUS_WORD if report.defect is Defect.UNKNOWN_STATUS else STATUS_WORDS[report.status(seen)]


def channel_word(report: Report) -> str:
    """The channel; the app of an agency adds the agency: "Android - dinas-pekerjaan-umum"."""
    word = CHANNEL_WORDS[report.channel]
    if report.channel == "ANDROID" and report.has(Quirk.COMPOSITE_CHANNEL):
        slug = "-".join(part for part in report.agency.name.lower().replace("/", " ").replace(",", "").split())
        return f"{word} - {slug}"
    return word


def category_words(report: Report) -> tuple[str, str]:
    """Main category and label ("" where none) in title case; messy where the row has that quirk."""
    if report.category is None:
        return "", ""
    main, label = report.category
    if report.has(Quirk.MESSY_CATEGORY):
        return main.replace(" ", NO_BREAK_SPACE), label.swapcase().replace(" ", NO_BREAK_SPACE) + " " * bool(label)
    return _title(main), _title(label)


def ticket_number(agency: Agency, received_at: int, serial: int) -> str:
    """ "P-3578/032021/0017": the agency, its local month of receipt, the number within it."""
    month = local_time(received_at, agency.utc_offset)
    digits = agency.code.split("-", 1)[1].replace(".", "")
    return f"P-{digits}/{month:%m%Y}/{serial:04d}"


def ticket(report: Report) -> str | None:
    """The number a local system gave the complaint; None where the row has no id."""
    if report.defect is Defect.MISSING_ID:
        return None
    return ticket_number(report.agency, report.events[0].at, report.serial)


def _title(text: str) -> str:
    return text.title().replace(" Dan ", " dan ")


@cache
def _zone(utc_offset: int) -> timezone:
    return timezone(timedelta(seconds=utc_offset))
