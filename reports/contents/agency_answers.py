"""What others say of an agency, and it of itself: ratings, satisfaction, and the figures it states."""

from decimal import Decimal

from reports.contents.agency_card import Card
from reports.contents.agency_figures import RATINGS, share
from reports.contents.frame import LEAST_FOR_RATE, base_cell
from reports.contents.wording import counted, listed, sentence
from reports.language import date_long, number, percent
from reports.periods import Period
from reports.report import Column, Section, Table
from reports.suppression import K_ANONYMITY

RECAP_FIGURES = {
    "received": "Diterima",
    "routed": "Terdisposisi",
    "unverified": "Belum diverifikasi",
    "unanswered": "Belum ditindaklanjuti",
    "in_progress": "Dalam proses",
    "completed": "Selesai",
    "on_hold": "Tertunda",
    "archived": "Diarsipkan",
}
RECAP_VERDICTS = {
    "agrees": "sama",
    "within rounding": "sama, dalam pembulatan",
    "differs": "berbeda",
    "not computed": "belum dapat dihitung",
    "stale copy": "salinan periode lalu",
    "parts do not add up": "bagian tidak berjumlah",
}


def satisfaction_section(card: Card) -> Section:
    """Ratings of complainants and the survey of satisfaction, each with its n; the two are never one figure."""
    told = [_rating_words(card)]
    survey = card.world.satisfaction
    if survey is None:
        told.append("Belum ada hasil survei kepuasan masyarakat (SKM) yang diterima.")
    elif not survey["is_reported"]:
        told.append(f"SKM {survey['year']}: data tidak cukup (responden kurang dari {survey['min_respondent_count']}).")
    else:
        told.append(
            f"IKM {survey['year']}: {number(survey['value'], 2)} (mutu {survey['grade']}), selang 95%"
            f" {number(survey['value_low'], 2)} sampai {number(survey['value_high'], 2)},"
            f" n = {number(survey['respondent_count'])}. IKM tidak dapat dibandingkan dengan rating."
        )
    return Section("Penilaian pelapor", tuple(told))


def _rating_words(card: Card) -> str:
    ratings = card.world.ratings
    count = sum(row["rating_count"] for row in ratings)
    if count == 0:
        return f"Tidak ada rating yang diberikan pada {card.period.label}."
    if card.small.hides(RATINGS, {base_cell(card.world.code, row["month"]) for row in ratings}):
        return "Rating yang diberikan terlalu sedikit untuk ditampilkan (n < 5)."
    rated, completed = (sum(row[name] for row in ratings) for name in ("rated_completion_count", "completion_count"))
    if count < LEAST_FOR_RATE:
        return f"{sentence(counted(count, 'rating'))} diberikan; data tidak cukup untuk rata-rata (n < 10)."
    answered = share(rated, completed)
    mean = Decimal(sum(row["stars"] for row in ratings)) / count
    return (
        f"Rata-rata rating {number(mean, 2)} dari 5 (n = {number(count)})"
        + (f"; {percent(answered)} penyelesaian diberi rating" if answered is not None else "")
        + ". Yang menilai memilih sendiri."
    )


def completeness_section(card: Card) -> Section:
    """In how many nights the agency's data came in, and what it states of itself beside what was counted."""
    nights = card.world.nights
    total = sum(nights.values())
    delivered, empty = nights.get("received", 0), nights.get("empty", 0)
    first = card.world.first_night
    if total == 0 and first is not None and first > card.period.last_date:
        found = (
            f"Data {card.period.label} dimuat sekaligus pada {date_long(first)}; kelengkapan malam demi malam tidak"
            " diukur."
        )
    elif total == 0:
        found = f"Tidak ada pengiriman yang tercatat pada {card.period.label}."
    else:
        rest = total - delivered - empty
        found = (
            f"Data instansi ini masuk atau nihil pada {number(delivered + empty)} dari {counted(total, 'malam')}"
            f" pengolahan{'' if rest else ', jadi lengkap'}."
        )
        if rest:
            words = {
                "late": "terlambat",
                "failed": "gagal",
                "held": "ditahan pemeriksaan",
                "not_connected": "belum terhubung",
            }
            told = [f"{number(count)} {words[state]}" for state, count in sorted(nights.items()) if state in words]
            found += f" Sisanya: {listed(told)}. Angka bulan ini dapat berubah bila data menyusul."
        if first is not None and first > card.period.first_date:
            found += f" Data sebelum {date_long(first)} dimuat sekaligus pada tanggal itu."
    blocks = (table,) if (table := _recap(card)) else ()
    return Section("Kelengkapan data instansi", (found,), blocks)


def _recap(card: Card) -> Table | None:
    """What the agency states of itself beside what its complaints add up to, for its latest recap."""
    if not card.world.recap:
        return None
    latest = card.world.recap[0]
    rows = [
        row
        for row in card.world.recap
        if (row["period_start"], row["period_end"]) == (latest["period_start"], latest["period_end"])
    ]
    months = Period("year", latest["period_start"], latest["period_end"]).months
    received = card.world.total(months).received
    stated = next((row["stated_count"] for row in rows if row["figure"] == "received"), None)
    is_small = 0 < received < K_ANONYMITY or 0 < (stated or 0) < K_ANONYMITY or any(card.hides([m]) for m in months)
    if is_small:
        return None
    return Table(
        "rekap",
        f"Rekap instansi {date_long(latest['period_start'])} – {date_long(latest['period_end'])}",
        (
            Column("figure", "Angka", "text"),
            Column("stated_count", "Dinyatakan instansi", "count"),
            Column("computed_count", "Dihitung dari laporan", "count"),
            Column("difference", "Selisih", "count"),
            Column("verdict", "Hasil", "text"),
        ),
        tuple(
            (
                RECAP_FIGURES.get(row["figure"], row["figure"]),
                row["stated_count"],
                row["computed_count"],
                row["difference"],
                RECAP_VERDICTS.get(row["verdict"], row["verdict"]),
            )
            for row in sorted(rows, key=lambda row: list(RECAP_FIGURES).index(row["figure"]))
        ),
        note="Angka yang dinyatakan dicocokkan, tidak pernah dikoreksi.",
    )
