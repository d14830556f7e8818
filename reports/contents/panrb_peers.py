"""PANRB's comparison of agencies with their peers: intervals, funnel, ranks with the places the data leave open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from psycopg2.extensions import cursor as Cursor

from reports.charts import Chart, FunnelPoint, Interval, caterpillar, funnel
from reports.contents.frame import FAMILY, Basis, SmallCells, base_cell
from reports.contents.panrb_figures import window_kind
from reports.contents.peers import POSITIONS, funnel_limits, short_name
from reports.language import month, number
from reports.periods import Period
from reports.report import Column, Section, Table
from reports.suppression import Cell

METRIC = "followed_up_rate"
NAMED_AT_EACH_END = 10


@dataclass(frozen=True, slots=True)
class Peer:
    """A comparable agency in the comparison's window; shares of 1."""

    code: str
    name: str
    group: str
    first: date
    last: date
    members: frozenset[str]
    followed_up: int
    received: int
    value: float
    low: float
    high: float
    shrunk: float
    shrunk_low: float
    shrunk_high: float
    rank: int
    rank_low: int
    rank_high: int
    ranked: int
    target: float | None
    tau_squared: float | None
    position: str | None


def read_peers(cursor: Cursor, period: Period) -> list[Peer]:
    """Comparable agencies of the window that ends with the period: the semester for a semester, else twelve months.

    Empty when the marts have no such window. By group, the highest adjusted share first.
    """
    cursor.execute(
        "select agency_code, agency_name, peer_group, first_date, last_date, numerator_count, denominator_count,"
        " value::float, value_low::float, value_high::float, shrunk_value::float, shrunk_low::float,"
        " shrunk_high::float, rank, rank_low, rank_high, ranked_count, funnel_target::float,"
        " funnel_tau_squared::float, funnel_position from marts.rpt_agency_comparison"
        " where metric = %(metric)s and last_date = %(last)s and window_kind = %(kind)s and is_comparable"
        " and rank is not null order by peer_group, rank, agency_code",
        {
            "metric": METRIC,
            "last": period.last_date,
            "kind": window_kind(period),
        },
    )
    peers = []
    for code, name, group, first, last, *figures in cursor.fetchall():
        members = frozenset(base_cell(code, start) for start in Period("year", first, last).months)
        peers.append(Peer(code, name, group, first, last, members, *figures))
    return peers


def peer_cells(peers: Sequence[Peer]) -> list[Cell]:
    """What the comparison shows of each agency: complaints received in its window."""
    return [Cell(FAMILY, peer.members, peer.received) for peer in peers]


def section(peers: Sequence[Peer], small: SmallCells, basis: Basis) -> Section:
    """Peers beside each other: the largest group in charts, every group in a table."""
    title = "Kelompok sebanding"
    shown = [peer for peer in peers if not small.hides(FAMILY, peer.members)]
    if not shown:
        words = "Gudang data belum memuat perbandingan untuk rentang yang berakhir pada periode ini."
        return Section(title, (words,))
    groups = {name: list(members) for name, members in groupby(shown, key=lambda peer: peer.group)}
    largest = max(groups.values(), key=len)
    outside = [peer for peer in shown if peer.position not in (None, "within")]
    below = sum(1 for peer in outside if peer.position in ("below 95", "below 99.8"))
    paragraphs = (
        f"Laporan yang diterima {month(shown[0].first)} – {month(shown[0].last)}. Dari"
        f" {number(len(shown))} instansi yang cukup datanya untuk dibandingkan (sedikitnya 30 laporan dan"
        f" kelengkapan 90%), {number(below)} berada di bawah batas kelompok sebandingnya dan"
        f" {number(len(outside) - below)} di atasnya. Yang lain masih dalam ragam lazim kelompoknya.",
        "Instansi dibandingkan dengan yang sejenis dan bervolume laporan serupa. Nilai tersesuaikan menarik instansi"
        " dengan sedikit laporan ke arah rata-rata kelompoknya; peringkat ditulis bersama rentang yang masih mungkin."
        " Selang nilai tersesuaikan menunjukkan ketidakpastian instansi itu sendiri, sedangkan batas corong juga"
        " memperhitungkan ragam antarinstansi yang lazim: lebih banyak selang yang lepas dari rata-rata daripada"
        " instansi yang di luar batas.",
    )
    # The table between the charts: it breaks where the page ends, which a chart cannot.
    return Section(title, paragraphs, (*_funnel(largest, basis), _table(shown), _ranks(largest, basis)))


def _funnel(group: Sequence[Peer], basis: Basis) -> Iterator[Chart]:
    target, tau_squared = group[0].target, group[0].tau_squared
    outside = sum(1 for peer in group if peer.position not in (None, "within"))
    if target is not None and tau_squared is not None:
        yield funnel(
            [
                FunnelPoint(short_name(peer.name), peer.received, peer.value, peer.position not in (None, "within"))
                for peer in group
            ],
            target=target,
            limits=funnel_limits(target, tau_squared, [peer.received for peer in group]),
            name="panrb_corong",
            target_label="kelompok",
            title=f"{number(outside)} dari {number(len(group))} instansi {group[0].group} di luar batas kelompoknya",
            unit="Tingkat tindak lanjut (% laporan diterima)",
            n=sum(peer.received for peer in group),
            is_simulated=basis.is_simulated,
        )


def _ranks(group: Sequence[Peer], basis: Basis) -> Chart:
    """The group's adjusted shares with their intervals, of a large group its two ends."""
    name, reference = group[0].group, group[0].target
    above = sum(1 for peer in group if reference is not None and peer.shrunk_low > reference)
    below = sum(1 for peer in group if reference is not None and peer.shrunk_high < reference)
    is_whole = len(group) <= 2 * NAMED_AT_EACH_END
    ends = list(group) if is_whole else [*group[:NAMED_AT_EACH_END], *group[-NAMED_AT_EACH_END:]]
    return caterpillar(
        [Interval(peer.name, peer.shrunk, peer.shrunk_low, peer.shrunk_high) for peer in ends],
        name="panrb_peringkat",
        title=f"Kelompok {name}: selang {number(above)} instansi seluruhnya di atas dan {number(below)} di bawah"
        " rata-rata",
        unit="Tingkat tindak lanjut tersesuaikan, selang 95%"
        + ("" if is_whole else f"; {NAMED_AT_EACH_END} tertinggi dan {NAMED_AT_EACH_END} terendah"),
        n=sum(peer.received for peer in group),
        reference=reference,
        reference_label="kelompok",
        is_simulated=basis.is_simulated,
    )


def _table(peers: Sequence[Peer]) -> Table:
    lowest_first = sorted(peers, key=lambda peer: (peer.shrunk, peer.code))
    return Table(
        name="kelompok_sebanding",
        title="Tindak lanjut dibandingkan dengan kelompok sebanding, dari nilai tersesuaikan terendah",
        columns=(
            Column("agency_name", "Instansi", "text"),
            Column("peer_group", "Kelompok", "text"),
            Column("received_count", "Diterima", "count"),
            Column("value", "Tingkat", "rate"),
            Column("shrunk_value", "Tersesuaikan", "rate"),
            Column("shrunk_low", "Batas bawah", "rate"),
            Column("shrunk_high", "Batas atas", "rate"),
            Column("rank", "Peringkat (rentang)", "text"),
            Column("ranked_count", "Peserta", "count"),
            Column("position", "Terhadap kelompok", "text"),
        ),
        rows=tuple(
            (
                peer.name,
                peer.group,
                peer.received,
                _decimal(peer.value),
                _decimal(peer.shrunk),
                _decimal(peer.shrunk_low),
                _decimal(peer.shrunk_high),
                f"{peer.rank} ({peer.rank_low}–{peer.rank_high})",
                peer.ranked,
                None if peer.position is None else POSITIONS[peer.position],
            )
            for peer in lowest_first
        ),
        note="Batas: selang 95% nilai tersesuaikan. Instansi dengan kurang dari 30 laporan atau yang datanya tidak"
        " lengkap tidak diberi peringkat.",
        in_pdf_rows=18,
    )


def _decimal(share: float) -> Decimal:
    return Decimal(str(round(share, 6)))
