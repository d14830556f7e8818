"""Rules for whole deliveries: one row per agency and resource. Columns are those of quality/sql/deliveries.sql.

Critical here holds the delivery: none of its rows enter the marts until it is released by name or extracted again.
"""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, is_true

_RELEASE = (
    "If the agency confirms it: python -m quality release --night D --agency A --resource R --by NAME --note TEXT."
)


def deliveries(_references: References, bounds: Bounds) -> list[Rule]:
    """What makes a delivery as a whole unfit, whatever its single rows look like."""
    return [
        Rule(
            rule_id="bad_row_share",
            column="loaded_rows",
            expectation=at_most("bad_row_share", bounds.bad_share),
            text_en=f"more than {bounds.bad_share:.0%} of the rows broke critical rules: the source has changed",
            text_id=f"lebih dari {bounds.bad_share:.0%} baris melanggar aturan kritis: sumber berubah",
            action=f"See which rule (quality show), mend the profile, extract and gate again. {_RELEASE}",
            source="gate design, point 6; bounds.yml bad_share, bad_share_min_rows",
            owner="data engineer",
        ),
        Rule(
            rule_id="bad_event_share",
            column="loaded_events",
            expectation=at_most("bad_event_share", bounds.bad_share),
            text_en=f"more than {bounds.bad_share:.0%} of the events broke critical rules: the source has changed",
            text_id=f"lebih dari {bounds.bad_share:.0%} riwayat melanggar aturan kritis: sumber berubah",
            action=f"See which rule (quality show), mend the profile, extract and gate again. {_RELEASE}",
            source="gate design, point 6; bounds.yml bad_share, bad_event_share_min_events",
            owner="data engineer",
        ),
        Rule(
            rule_id="volume_plausible",
            column="loaded_rows",
            expectation=at_most("volume_against_bound", 1),
            text_en=f"over {bounds.volume_factor:g} times the rows of its trailing {bounds.trailing_nights} nights",
            text_id=f"lebih dari {bounds.volume_factor:g} kali jumlah baris {bounds.trailing_nights} malam terakhir",
            action=f"Ask the agency whether it was an event or a re-export. {_RELEASE}",
            source="gate design, point 6; bounds.yml volume_factor, volume_floor_rows, volume_min_nights",
            owner="steward",
        ),
        Rule(
            rule_id="rows_as_stated",
            column="stated_total",
            expectation=at_most("rows_off_stated_total", bounds.stated_total_tolerance_rows),
            text_en="handed over another number of rows than the source itself states",
            text_id="jumlah baris berbeda dari jumlah yang dinyatakan sumber",
            action=f"Extract the night again; if it stays, the source's paging or its total is wrong. {_RELEASE}",
            source="gate design, point 6; bounds.yml stated_total_tolerance_rows",
            owner="data engineer",
        ),
        Rule(
            rule_id="content_new",
            column="content_sha256",
            expectation=is_true("content_is_new"),
            text_en="the file is byte for byte one of an earlier night",
            text_id="berkas sama persis dengan berkas malam sebelumnya",
            action=f"Ask the agency for the night's file and extract again. {_RELEASE}",
            source="extraction, trap 12; bounds.yml stale_file_min_rows",
        ),
        Rule(
            rule_id="fields_known",
            column="unknown_fields",
            expectation=at_most("unknown_field_count", 0),
            text_en="the source sends fields its profile does not know",
            text_id="sumber mengirim kolom yang tidak dikenal profil",
            action="Map the field in the profile or list it under ignore (ops.deliveries.unknown_fields names it).",
            source="extraction design: drift is reported once per delivery",
            severity="warning",
            owner="data engineer",
        ),
        Rule(
            rule_id="fields_present",
            column="missing_fields",
            expectation=at_most("missing_field_count", 0),
            text_en="fields that the source always sent stand in no record any more",
            text_id="kolom yang biasanya dikirim tidak ada lagi di satu pun baris",
            action="Ask the agency; correct the profile if the field has another name (ops.deliveries.missing_fields).",
            source="extraction design: drift is reported once per delivery",
            severity="warning",
            owner="data engineer",
        ),
        Rule(
            rule_id="fields_of_one_kind",
            column="retyped_fields",
            expectation=at_most("retyped_field_count", 0),
            text_en="fields carry another kind of value than the night before (a number for a text, ...)",
            text_id="jenis nilai kolom berbeda dari malam sebelumnya (angka menjadi teks, ...)",
            action="Look whether they still mean the same (ops.deliveries.retyped_fields), then correct the profile.",
            source="extraction design: drift is reported once per delivery",
            severity="warning",
            owner="data engineer",
        ),
        Rule(
            rule_id="volume_not_fallen",
            column="loaded_rows",
            expectation=at_least("volume_against_floor", 1),
            text_en=f"fewer rows than 1/{bounds.volume_factor:g} of what is usual on this weekday",
            text_id=f"kurang dari 1/{bounds.volume_factor:g} jumlah baris yang lazim pada hari ini",
            action="Ask the agency whether its export is whole; what comes later is taken as a late delivery.",
            source="bounds.yml volume_factor, volume_floor_rows, volume_min_nights",
            severity="warning",
            owner="steward",
        ),
        Rule(
            rule_id="silence_usual",
            column="loaded_rows",
            expectation=at_most("silence_against_bound", 1),
            text_en="nothing new for longer than this agency ever was silent",
            text_id="tidak ada data baru lebih lama daripada biasanya",
            action="Ask the agency whether complaints still arrive, and whether its export or query still runs.",
            source="domain 0.5: zero rows are usual for most; bounds.yml silence_factor, silence_floor_nights",
            severity="warning",
            owner="steward",
        ),
        Rule(
            rule_id="records_recent",
            column="watermark_to",
            expectation=at_most("hours_since_newest", bounds.newest_record_hours),
            text_en=f"its newest record is older than {bounds.newest_record_hours:g} hours",
            text_id=f"data terbaru lebih lama dari {bounds.newest_record_hours:g} jam",
            action="The source lags or an old export was handed over: ask the agency when its copy is refreshed.",
            source="bounds.yml newest_record_hours",
            severity="warning",
        ),
        Rule(
            rule_id="status_mix_usual",
            column="status",
            expectation=at_most("mix_distance", bounds.mix_distance),
            text_en="the states of its complaints are mixed quite unlike the trailing nights",
            text_id="susunan status berbeda jauh dari malam-malam sebelumnya",
            action="See whether a status word changed its meaning or records are missing; correct the profile.",
            source="bounds.yml mix_distance, mix_min_rows, mix_min_nights",
            severity="warning",
            owner="data engineer",
        ),
    ]
