"""Words and formats that the national system's API and its spreadsheets share."""

from datetime import datetime, timedelta, timezone
from functools import cache

from simulator.dirt import UNKNOWN_STATUS_WORD, Defect, Quirk
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


def local_time(at: int, utc_offset: int) -> datetime:
    """The wall clock, with its offset, at an instant (seconds since 1970 UTC)."""
    return datetime.fromtimestamp(at, _zone(utc_offset))


def written_date(at: int, utc_offset: int) -> str:
    """ "04/03/2021 09:12:44" on the wall clock of that offset."""
    return local_time(at, utc_offset).strftime(DATE_FORMAT)


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


def _title(text: str) -> str:
    return text.title().replace(" Dan ", " dan ")


@cache
def _zone(utc_offset: int) -> timezone:
    return timezone(timedelta(seconds=utc_offset))
