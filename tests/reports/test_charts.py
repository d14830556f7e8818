"""Charts: what they say, to the eye, in grey and by ear; and that nothing in the data can make them do anything."""

import csv
import itertools
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reports.charts import (
    Break,
    Chart,
    Curve,
    FlowDay,
    FunnelLimit,
    FunnelPoint,
    Interval,
    Line,
    caterpillar,
    funnel,
    peers,
    province_map,
    stock_flow,
    style,
    survival,
    trend,
)
from reports.charts.provinces import class_limits, tiles
from reports.charts.scales import Box, linear, place, spread, ticks
from reports.fonts import text_width

SEEDS = Path(__file__).resolve().parent.parent.parent / "dbt_project" / "seeds"
SVG = "{http://www.w3.org/2000/svg}"
STAMP = "DATA SIMULASI, bukan kinerja sebenarnya"
HOSTILE = "<script>alert(1)</script> & \"#eval\" 'x' ]]> $x$ \\ \x00\x0b"

MONTHS = [date(2021, month, 1) for month in range(1, 7)]
LIMITS = [
    FunnelLimit(n, 0.6 - 2 / n**0.5, 0.6 + 2 / n**0.5, 0.6 - 3 / n**0.5, 0.6 + 3 / n**0.5) for n in (25, 100, 400)
]
FRAMING: dict[str, Any] = {"name": "uji", "title": "Temuan", "unit": "laporan", "n": 1294, "is_simulated": True}


def a_trend(label: str = "Diterima", **framing: Any) -> Chart:
    lines = [Line(label, [(month, 1000.0 + 100 * month.month) for month in MONTHS])]
    return trend([*lines, Line("Selesai", [(month, 1590.0) for month in MONTHS])], **FRAMING | framing)


def a_funnel(label: str = "Kabupaten Jauh", **framing: Any) -> Chart:
    points = [FunnelPoint(f"Biasa {n}", n, 0.6) for n in (30, 60, 90)] + [
        FunnelPoint(label, 300, 0.35, is_flagged=True)
    ]
    return funnel(points, target=0.6, limits=LIMITS, **FRAMING | framing)


def a_caterpillar(label: str = "Kota Contoh", **framing: Any) -> Chart:
    rows = [
        Interval(label, 0.643, 0.52, 0.75, is_here=True),
        Interval("Lain", 0.5, 0.4, 0.6),
        Interval("Baru", None, None, None),
    ]
    return caterpillar(rows, reference=0.55, reference_label="Rata-rata", **FRAMING | framing)


def a_map(label: str = "", **framing: Any) -> Chart:
    values = {tile.code: 0.5 + position / 100 for position, tile in enumerate(tiles()[:34])}
    return province_map(values, kind="rate", **FRAMING | ({"unit": label} if label else {}) | framing)


def a_survival(label: str = "Instansi ini", **framing: Any) -> Chart:
    curves = [Curve(label, [(0, 1.0), (5, 0.5), (20, 0.1)]), Curve("Kelompok", [(0, 1.0), (8, 0.6), (30, 0.12)])]
    return survival(curves, limit_day=14, **FRAMING | framing)


def a_stock_flow(label: str = "", **framing: Any) -> Chart:
    days = [FlowDay(month, 20 + month.month, 18, 100 + month.month) for month in MONTHS]
    return stock_flow(days, **FRAMING | ({"unit": label} if label else {}) | framing)


def a_peers(label: str = "", **framing: Any) -> Chart:
    return peers([0.41, 0.55, 0.62, 0.71, 0.83], 0.58, **FRAMING | ({"unit": label} if label else {}) | framing)


KINDS: list[Callable[..., Chart]] = [a_trend, a_funnel, a_caterpillar, a_map, a_survival, a_stock_flow, a_peers]
every_kind = pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)


def parsed(chart: Chart) -> ElementTree.Element:
    """The root of the SVG; raises what the parser raises when it is not well-formed."""
    return ElementTree.fromstring(chart.svg)  # noqa: S314 - what we have just written ourselves


def texts(chart: Chart) -> list[str]:
    """What is written in the picture, without its title and description for the ear."""
    return [element.text or "" for element in parsed(chart).iter(f"{SVG}text")]


def boxes(chart: Chart) -> list[tuple[str, Box]]:
    """Each text with the rectangle it covers, in pixels of the chart."""
    found = []

    def walk(element: ElementTree.Element, x: float, y: float) -> None:
        move = re.match(r"translate\(([-\d.e]+),([-\d.e]+)\)", element.get("transform", ""))
        if move:
            x, y = x + float(move[1]), y + float(move[2])
        if element.tag == f"{SVG}text" and element.text:
            size = float(element.get("font-size", "0").removesuffix("px"))
            bold = "SemiBold" if element.get("font-weight") == "600" else "Regular"
            width = text_width(element.text, size, bold)
            left = (
                x
                + float(element.get("x", 0))
                - width * {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0)
            )
            found.append((element.text, Box(left, y + float(element.get("y", 0)) - size * 0.75, width, size * 0.95)))
        for child in element:
            walk(child, x, y)

    walk(parsed(chart), 0, 0)
    return found


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb by WCAG 2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear_parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear_parts, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# What every chart has


@every_kind
def test_a_chart_says_its_finding_unit_n_and_stamp(make: Callable[..., Chart]) -> None:
    chart = make(title="Laporan naik seperlima", n=12345)
    written = texts(chart)
    assert "Laporan naik seperlima" in written
    assert any("laporan · n = 12.345" in text for text in written)
    assert STAMP in written
    assert STAMP in chart.description
    assert STAMP not in texts(make(is_simulated=False))


@every_kind
def test_a_chart_can_be_heard(make: Callable[..., Chart]) -> None:
    chart = make(name="bagan-7", title="Temuan")
    root = parsed(chart)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "bagan-7-title bagan-7-desc"
    told = {element.get("id"): element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert told == {"bagan-7-title": "Temuan", "bagan-7-desc": chart.description}
    assert len(chart.description) > 60
    assert make(description="Diceritakan sendiri.").description == f"Diceritakan sendiri. {STAMP}."


@every_kind
def test_a_chart_speaks_english_when_asked(make: Callable[..., Chart]) -> None:
    chart = make(language="en", n=12345)
    assert any("n = 12,345" in text for text in texts(chart))
    assert "SIMULATED DATA, not actual performance" in texts(chart)
    assert not re.search(r"menjadi|instansi|Mei|Kelompok sebanding|provinsi|masih|selang", chart.description)


@every_kind
def test_hostile_labels_stay_text(make: Callable[..., Chart]) -> None:
    chart = make(HOSTILE, title=HOSTILE, source=HOSTILE)
    root = parsed(chart)  # well-formed, though the label holds characters that XML forbids
    allowed = {"svg", "title", "desc", "g", "path", "line", "rect", "text"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} - allowed == set()
    assert [key for element in root.iter() for key in element.attrib if key.startswith("on") or "href" in key] == []
    assert any("<script>alert(1)</script> &" in text for text in texts(chart))


@every_kind
def test_a_chart_needs_nothing_from_outside_and_obeys_a_strict_page(make: Callable[..., Chart]) -> None:
    svg = make().svg
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert re.findall(r" (?:style|class|xlink:href|href)=|url\(|<style|<image|<clipPath", svg) == []
    assert re.findall(r' id="([^"]+)"', svg) == ["uji-title", "uji-desc"]
    assert set(re.findall(r'font-family="([^"]+)"', svg)) == {"Plus Jakarta Sans"}


@every_kind
def test_the_same_data_make_the_same_bytes(make: Callable[..., Chart]) -> None:
    assert make().svg == make().svg


@every_kind
@pytest.mark.parametrize("width", [520, 640, 760])
def test_a_chart_has_the_width_asked_for_and_no_text_leaves_it_or_covers_another(
    make: Callable[..., Chart], width: int
) -> None:
    chart = make(
        width=width, title="Sebuah temuan yang panjang, " * 6, source="Batas waktu data: 30 Juni 2021 pukul 24.00 WIB"
    )
    root = parsed(chart)
    assert root.get("width") == str(width)
    height = float(root.get("height", 0))
    found = boxes(chart)
    assert len(found) > 10
    outside = [text for text, box in found if box.left < 0 or box.left + box.width > width or box.top < 0]
    assert outside == []
    assert max(box.top + box.height for _, box in found) <= height
    if make is a_funnel:  # its names are drawn twice, the lower one as a halo
        found = list({text: (text, box) for text, box in found}.values())
    assert [(one[0], other[0]) for one, other in itertools.combinations(found, 2) if one[1].overlap(other[1]) > 1] == []


@pytest.mark.parametrize(
    "chart",
    [
        trend([], **FRAMING),
        trend([Line("Diterima", [(MONTHS[0], None)])], **FRAMING),
        funnel([], target=0.5, limits=[], **FRAMING),
        caterpillar([Interval("Baru", None, None, None)], **FRAMING),
        survival([], limit_day=5, **FRAMING),
        stock_flow([], **FRAMING),
    ],
    ids=["trend", "trend of the unknown", "funnel", "caterpillar", "survival", "stock and flow"],
)
def test_a_chart_of_nothing_says_so(chart: Chart) -> None:
    assert "Tidak ada data" in texts(chart)
    assert STAMP in texts(chart)


# Colours


def test_text_and_lines_have_contrast_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for colour in (style.INK, style.NAVY, style.MUTED, style.BLUE, style.TEAL, style.ALERT, style.STAMP):
        assert contrast(colour, "#ffffff") >= 4.5
    for look in style.LINES:  # their labels have the colour of the line
        assert contrast(look.colour, "#ffffff") >= 4.5
    assert contrast(style.CROWD, "#ffffff") >= 3
    assert contrast(style.STAMP, "#fff7ed") >= 4.5


@pytest.mark.parametrize("classes", [style.CLASSES, style.WORSE_CLASSES], ids=["more is better", "more is worse"])
def test_classes_of_the_map_darken_step_by_step_and_carry_readable_ink(classes: tuple[style.TileStyle, ...]) -> None:
    shades = [luminance(look.fill) for look in classes]
    assert shades == sorted(shades, reverse=True)
    assert all(contrast(one.fill, other.fill) >= 1.25 for one, other in itertools.pairwise(classes))
    assert all(contrast(look.fill, look.ink) >= 4.5 for look in (*classes, style.UNKNOWN_TILE))


def test_lines_differ_without_colour() -> None:
    assert len({(look.dash, look.shape) for look in style.LINES}) == len(style.LINES)


# Trend


def strokes(chart: Chart, colour: str) -> list[str]:
    """The paths of a line in that colour."""
    return [element.get("d", "") for element in parsed(chart).iter(f"{SVG}path") if element.get("stroke") == colour]


def test_a_line_is_named_with_its_last_value_and_axes_are_indonesian() -> None:
    written = texts(a_trend())
    assert "Diterima 1.600" in written
    assert "Selesai 1.590" in written
    assert {"Jan 2021", "Mei 2021", "Jun 2021", "0", "500", "2.000"} <= set(written)
    assert "Diterima: 1.100 (Jan 2021) menjadi 1.600 (Jun 2021)." in a_trend().description


def test_a_missing_value_leaves_a_gap() -> None:
    values = [0.5, 0.6, None, 0.7, 0.8, 0.9]
    whole = trend([Line("A", [(month, 0.5) for month in MONTHS])], kind="rate", **FRAMING)
    broken = trend([Line("A", list(zip(MONTHS, values, strict=True)))], kind="rate", **FRAMING)
    assert [path.count("M") for path in strokes(whole, style.BLUE)] == [1]
    assert [(path.count("M"), path.count("L")) for path in strokes(broken, style.BLUE)] == [(2, 3)]


def test_no_line_crosses_a_break() -> None:
    points = [(month, 10.0 * month.month) for month in MONTHS]
    chart = trend([Line("A", points)], breaks=[Break(date(2021, 4, 1), "Aplikasi baru")], **FRAMING)
    assert sorted(path.count("L") for path in strokes(chart, style.BLUE)) == [2, 2]
    assert "Aplikasi baru" in texts(chart)
    assert "Deret terputus pada 1 Apr 2021: Aplikasi baru." in chart.description
    dashes = [line.get("stroke-dasharray") for line in parsed(chart).iter(f"{SVG}line")]
    assert dashes.count("3,3") == 1


def test_rates_are_percent_and_a_flat_rate_looks_flat() -> None:
    chart = trend([Line("A", [(month, 0.757) for month in MONTHS])], kind="rate", **FRAMING)
    assert "A 75,7%" in texts(chart)
    assert {"70%", "75%", "80%", "85%"} <= set(texts(chart))


def test_weeks_are_labelled_with_days_and_as_many_as_have_room() -> None:
    weeks = [date(2021, 1, 4) + timedelta(weeks=week) for week in range(26)]
    written = texts(trend([Line("A", [(week, 5.0) for week in weeks])], **FRAMING))
    assert "4 Jan" in written
    assert 5 <= len([text for text in written if re.fullmatch(r"\d+ [A-Z][a-z]{2}", text)]) <= 10


def test_six_lines_or_curves_are_refused() -> None:
    with pytest.raises(ValueError, match="chart uji: 6 lines, at most 5"):
        trend([Line(str(each), [(MONTHS[0], 1.0)]) for each in range(6)], **FRAMING)
    with pytest.raises(ValueError, match="chart uji: 6 lines, at most 5"):
        survival([Curve(str(each), [(0, 1.0)]) for each in range(6)], limit_day=5, **FRAMING)


# Survival, stock and flow


def test_a_curve_steps_down_from_all_to_what_is_left() -> None:
    chart = a_survival()
    assert {"Batas 14 hari kerja", "separuh", "Instansi ini 10%", "Kelompok 12%", "100%", "0%"} <= set(texts(chart))
    path = strokes(chart, style.BLUE)[0]
    assert re.findall("[A-Z]", path) == ["M", "L", "L", "L", "L", "L", "L"]  # down at 5 and 20, level to the edge
    assert (
        "Instansi ini: separuh selesai dalam 5 hari kerja; 10% masih terbuka setelah 20 hari kerja."
        in chart.description
    )
    assert "Kelompok: separuh selesai dalam 30 hari kerja; 12% masih terbuka" in chart.description


def test_stock_and_flow_tell_both_ways() -> None:
    days = [FlowDay(date(2021, 6, day), received=10, closed=day, open_count=50 - day) for day in (1, 2, 3, 4)]
    chart = stock_flow(days, **FRAMING)
    assert {"Terbuka 46", "Masuk", "Keluar", "1 Jun"} <= set(texts(chart))
    assert "1 Jun 2021 sampai 4 Jun 2021: masuk 40, keluar 10; terbuka 49 menjadi 46." in chart.description
    filled = [element.get("fill") for element in parsed(chart).iter(f"{SVG}path")]
    assert filled.count(style.TEAL) == 4
    assert filled.count(style.MIDDLE_BLUE) == 4


# Comparisons


def test_a_funnel_names_at_most_five_flagged_points_and_always_its_own() -> None:
    points = [FunnelPoint(f"Jauh {place}", 100 + place, 0.3 - place / 100, is_flagged=True) for place in range(12)]
    points.append(FunnelPoint("Saya", 50, 0.6))
    written = set(texts(funnel(points, target=0.6, limits=LIMITS, here="Saya", **FRAMING)))
    assert {text for text in written if text.startswith("Jauh")} == {f"Jauh {place}" for place in range(7, 12)}
    assert {"Saya", "Acuan 60,0%", "n, skala logaritma"} <= written


def test_a_funnel_point_without_a_label_is_drawn_and_not_named() -> None:
    points = [FunnelPoint("", 100, 0.2, is_flagged=True), FunnelPoint("", 200, 0.6)]
    chart = funnel(points, target=0.6, limits=LIMITS, here=FunnelPoint("Saya", 50, 0.5), **FRAMING)
    marks = [element.get("fill") for element in parsed(chart).iter(f"{SVG}path")]
    assert (marks.count(style.ALERT), marks.count(style.CROWD), marks.count(style.NAVY)) == (1, 1, 1)
    assert (
        chart.description
        == f"Corong: 3 instansi, acuan 60,0%; 1 ditandai di luar batas. Saya: 50,0% (n = 50). {STAMP}."
    )


def test_a_caterpillar_shows_values_intervals_and_what_is_not_measurable() -> None:
    chart = a_caterpillar()
    assert {"Kota Contoh", "64,3%", "Lain", "50,0%", "Baru", "–", "Rata-rata 55,0%"} <= set(texts(chart))
    assert "Kota Contoh: 64,3% (selang 52,0% sampai 75,0%)." in chart.description


def test_peers_show_the_median_and_the_agency_among_them() -> None:
    chart = a_peers()
    assert {"median 62,0%", "Instansi ini 58,0%"} <= set(texts(chart))
    assert "persentil ke-10 41,0%, ke-25 55,0%, median 62,0%, ke-75 71,0%, ke-90 83,0%" in chart.description
    alone = peers([1.0, 2.0, 3.0, 4.0, 5.0], None, kind="number", **FRAMING)
    assert not [text for text in texts(alone) if text.startswith("Instansi ini")]


@pytest.mark.parametrize("quantiles", [[0.1, 0.2, 0.3], [0.5, 0.4, 0.6, 0.7, 0.8]], ids=["three", "not ascending"])
def test_peers_need_five_quantiles_in_order(quantiles: list[float]) -> None:
    with pytest.raises(ValueError, match="not five quantiles in ascending order"):
        peers(quantiles, 0.5, **FRAMING)


# Provinces


def test_every_province_has_a_tile_of_its_own() -> None:
    with (SEEDS / "regions.csv").open(encoding="utf-8", newline="") as file:
        provinces = {
            row["kemendagri_code"] for row in csv.DictReader(file) if row["kind"] == "provinsi" and not row["valid_to"]
        }
    assert len(provinces) == 38
    assert {tile.code for tile in tiles()} == provinces
    assert len({(tile.row, tile.column) for tile in tiles()}) == 38
    assert len({tile.short_name for tile in tiles()}) == 38


def test_a_tile_prints_its_value_and_one_without_a_value_a_dash() -> None:
    chart = province_map({"31": 0.757, "51": 0.4, "11": None}, kind="rate", **FRAMING)
    written = texts(chart)
    assert {"Jakarta", "76", "Bali", "40"} <= set(written)
    assert written.count("–") == 36
    assert "Tertinggi: Jakarta 76%, Bali 40%" in chart.description
    assert "Tanpa data: 36 provinsi" in chart.description


def test_a_code_that_is_no_province_is_refused() -> None:
    with pytest.raises(ValueError, match=r"chart uji: 31\.71, 99 not in province_tiles\.csv"):
        province_map({"31": 1.0, "99": 2.0, "31.71": 3.0}, **FRAMING)


def test_classes_are_even_steps_or_fifths_when_a_few_values_tower() -> None:
    assert class_limits([54, 56, 59, 61, 64, 67, 69, 73, 75, 76]) == [55, 60, 65, 70]
    assert class_limits([10, 20, 30, 40, 50, 60, 70, 80, 90, 9000]) == [30, 50, 70, 90]
    assert class_limits([]) == []
    assert class_limits([5, 5]) == []


# Scales


@pytest.mark.parametrize(
    ("low", "high", "count", "smallest", "expected"),
    [
        (0, 15500, 5, 1, [0, 5000, 10000, 15000, 20000]),
        (0, 3, 5, 1, [0, 1, 2, 3]),
        (0, 0, 5, 1, [0, 1]),
        (0.62, 0.76, 5, 0.01, [0.6, 0.65, 0.7, 0.75, 0.8]),
        (-3, 4, 4, 1, [-4, -2, 0, 2, 4]),
        (0, 11, 5, 1, [0, 5, 10, 15]),
        (0, 11, 5, 1e-6, [0, 2.5, 5, 7.5, 10, 12.5]),
        (0.707, 0.807, 5, 0.01, [0.7, 0.75, 0.8, 0.85]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(
    low: float, high: float, count: int, smallest: float, expected: list[float]
) -> None:
    assert ticks(low, high, count, smallest) == expected


def test_an_axis_is_labelled_with_as_many_decimals_as_its_ticks_need() -> None:
    assert linear(0.5, 0.9, "rate").label_format == ".0%"
    assert linear(0, 12.3, "number").label_format == ",.1f"
    assert linear(0, 4, "count").label_format == ",.0f"


def test_labels_are_kept_apart_in_their_order() -> None:
    assert spread([10, 50], 14, 0, 100) == [10, 50]
    assert spread([50, 48], 14, 0, 100) == [56, 42]
    assert spread([99, 100], 14, 0, 100) == [86, 100]
    assert spread([50, 51, 49], 14, 0, 100) == [50, 64, 36]
    assert spread([1, 2, 3], 60, 0, 100) == [0, 50, 100]
    assert spread([], 14, 0, 100) == []


def test_a_label_goes_beside_its_point_and_off_what_is_taken() -> None:
    assert place((50, 50), 30, 10, [], (200, 100)) == Box(57, 45, 30, 10)
    assert place((190, 50), 30, 10, [], (200, 100)).left == 153
    assert place((50, 50), 30, 10, [Box(57, 45, 30, 10)], (200, 100)) == Box(13, 45, 30, 10)
