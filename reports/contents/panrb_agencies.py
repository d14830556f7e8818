"""PANRB's lists of agencies: below the threshold of follow-up, without decree, login or plan, and every one of them."""

from collections.abc import Sequence
from decimal import Decimal

from reports.contents import panrb_figures as figures
from reports.contents.frame import FAMILY, KIND_SHORT, SmallCells
from reports.contents.panrb_figures import Agency, rate
from reports.intervals import wilson_interval
from reports.language import number
from reports.periods import Period
from reports.report import Column, Section, Table, Value

NOT_GOOD = "belum baik"


def threshold_section(
    agencies: Sequence[Agency], provinces: dict[str, str], small: SmallCells, period: Period
) -> Section:
    """Agencies under 50 % in the year to date, the lowest first, with the interval of their rate."""
    listed = [
        agency
        for agency in agencies
        if agency.year_verdict == NOT_GOOD and not small.hides(FAMILY, figures.year_members(agency, period))
    ]
    listed.sort(key=lambda agency: (Decimal(agency.year_followed_up) / agency.year_received, -agency.year_received))
    summed = figures.total(agencies)
    finding = (
        f"Dari {number(summed.judged)} instansi yang dapat dinilai, {number(summed.good)} menindaklanjuti sedikitnya"
        f" separuh laporannya sejak Januari {period.last_date.year} (predikat baik) dan"
        f" {number(summed.judged - summed.good)} belum. {number(summed.agencies - summed.judged)} instansi tidak"
        " dinilai karena laporannya kurang dari 10 atau tidak ada."
    )
    table = Table(
        name="belum_baik",
        title="Instansi dengan tindak lanjut di bawah 50% pada tahun berjalan, dari yang terendah",
        columns=(
            Column("agency_name", "Instansi", "text"),
            Column("province_name", "Provinsi", "text"),
            Column("year_received_count", "Diterima", "count"),
            Column("year_followed_up_count", "Ditindaklanjuti", "count"),
            Column("year_followed_up_rate", "Tingkat", "rate"),
            Column("year_followed_up_rate_low", "Batas bawah", "rate"),
            Column("year_followed_up_rate_high", "Batas atas", "rate"),
        ),
        rows=tuple(
            (
                agency.name,
                provinces.get(agency.province_code),
                agency.year_received,
                agency.year_followed_up,
                rate(agency.year_followed_up, agency.year_received),
                *_wilson(agency),
            )
            for agency in listed
        ),
        note="Batas: selang kepercayaan 95% (Wilson). Bila batas atas melewati 50%, instansi itu belum dapat dipastikan"
        " di bawah ambang.",
        in_pdf_rows=25,
    )
    return Section("Ambang tindak lanjut 50%", (finding,), (table,))


def _wilson(agency: Agency) -> tuple[Decimal | None, Decimal | None]:
    bounds = wilson_interval(agency.year_followed_up, agency.year_received)
    return (None, None) if bounds is None else (Decimal(str(round(bounds[0], 6))), Decimal(str(round(bounds[1], 6))))


def management_section(agencies: Sequence[Agency]) -> Section:
    """Who told of its decree, logins and action plan, and who lacks one of them."""
    told = [agency for agency in agencies if None not in (agency.has_decree, agency.is_active, agency.has_action_plan)]
    lacking = [agency for agency in told if not (agency.has_decree and agency.is_active and agency.has_action_plan)]
    counts = [
        f"{number(sum(1 for agency in agencies if getattr(agency, name) is False))} {words}"
        for name, words in (
            ("has_decree", "tanpa SK Tim Pengelola"),
            ("is_active", "tanpa login dalam 30 hari"),
            ("has_action_plan", "tanpa rencana aksi"),
        )
    ]
    finding = (
        f"{number(len(told))} dari {number(len(agencies))} instansi melaporkan keadaan pengelolaannya;"
        f" yang lain belum diketahui. Di antara yang melaporkan: {counts[0]}, {counts[1]}, {counts[2]}."
    )
    table = Table(
        name="pengelolaan",
        title="Instansi tanpa SK, tanpa login 30 hari, atau tanpa rencana aksi",
        columns=(
            Column("agency_name", "Instansi", "text"),
            Column("kind", "Jenis", "text"),
            Column("has_decree", "SK Tim Pengelola", "text"),
            Column("is_active", "Login 30 hari", "text"),
            Column("has_action_plan", "Rencana aksi", "text"),
            Column("last_login_date", "Login terakhir", "date"),
            Column("liaison_officer_count", "Pejabat penghubung", "count"),
        ),
        rows=tuple(
            (
                agency.name,
                KIND_SHORT.get(agency.kind, agency.kind),
                agency.has_decree,
                agency.is_active,
                agency.has_action_plan,
                agency.last_login,
                agency.liaison_officers,
            )
            for agency in lacking
        ),
        in_pdf_rows=30,
    )
    return Section("Keterhubungan, keaktifan, dan rencana aksi", (finding,), (table,))


def details_table(agencies: Sequence[Agency], provinces: dict[str, str], small: SmallCells, period: Period) -> Table:
    """Every agency, for the workbook."""
    rows: list[tuple[Value, ...]] = []
    for agency in agencies:
        counted = (
            agency.received, agency.followed_up, agency.completed, agency.in_progress,
            agency.received - agency.followed_up, rate(agency.followed_up, agency.received),
            rate(agency.completed, agency.received), agency.backlog, agency.over_limit,
        )  # fmt: skip
        year = (agency.year_received, agency.year_followed_up, rate(agency.year_followed_up, agency.year_received))
        rows.append(
            (
                agency.code,
                agency.name,
                KIND_SHORT.get(agency.kind, agency.kind),
                provinces.get(agency.province_code),
                *small.mask(FAMILY, figures.period_members([agency], period), counted),
                *small.mask(FAMILY, figures.year_members(agency, period), year),
                agency.year_verdict,
            )
        )
    return Table(
        name="instansi",
        title="Seluruh instansi",
        columns=(
            Column("agency_code", "Kode", "text"),
            Column("agency_name", "Instansi", "text"),
            Column("kind", "Jenis", "text"),
            Column("province_name", "Provinsi", "text"),
            Column("received_count", "Diterima", "count"),
            Column("followed_up_count", "Ditindaklanjuti", "count"),
            Column("completed_count", "Selesai", "count"),
            Column("in_progress_count", "Proses", "count"),
            Column("not_followed_up_count", "Belum", "count"),
            Column("followed_up_rate", "Tingkat tindak lanjut", "rate"),
            Column("completed_rate", "Tingkat penyelesaian", "rate"),
            Column("backlog_count", "Masih terbuka", "count"),
            Column("backlog_over_limit_count", "Melewati batas", "count"),
            Column("year_received_count", "Diterima tahun berjalan", "count"),
            Column("year_followed_up_count", "Ditindaklanjuti tahun berjalan", "count"),
            Column("year_followed_up_rate", "Tindak lanjut tahun berjalan", "rate"),
            Column("year_follow_up_verdict", "Predikat", "text"),
        ),
        rows=tuple(rows),
        note="Angka setiap instansi dimuat di buku kerja dan berkas CSV laporan ini; angka unit kerjanya di rapor"
        " instansi.",
        in_pdf_rows=0,
    )
