"""Rules for events of complaints. Columns are those of quality/sql/complaint_events.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, below, in_set, is_true
from quality.suites.phrases import (
    ADD_WORD,
    CONTRACT,
    FIX_AT_SOURCE,
    READ_PROBLEMS,
    one_row_a_key,
    rest_readable,
    row_whole,
)


def complaint_events(references: References, bounds: Bounds) -> list[Rule]:
    """What must hold for an event to move its complaint's clocks."""
    minutes = f"{bounds.mass_closing_minutes:g}"
    return [
        row_whole(
            "event_row_whole", "the source's entry could not be taken apart", "catatan riwayat tidak dapat diurai"
        ),
        Rule(
            rule_id="event_key_present",
            column="event_seq",
            expectation=is_true("has_key"),
            text_en="no tracking id or no place in the log",
            text_id="nomor laporan atau urutan riwayat kosong",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        one_row_a_key(
            "event_key_unique",
            "event_seq",
            (
                "source_system",
                "tracking_id",
                "event_seq",
            ),
            "two events share one place in a complaint's log",
            "dua riwayat memakai urutan yang sama dalam satu laporan",
        ),
        Rule(
            rule_id="event_type_known",
            column="event_type",
            expectation=in_set("event_type", references.event_types),
            text_en="kind of event missing or none of the known ones",
            text_id="jenis riwayat kosong atau tidak dikenal",
            action=ADD_WORD,
            source="domain 1.6; seed event_types",
            owner="data engineer",
            waivable=False,
        ),
        Rule(
            rule_id="event_dates_readable",
            column="occurred_at",
            expectation=is_true("dates_are_readable"),
            text_en="time of the event is not a time in the source's format",
            text_id="waktu riwayat tidak terbaca",
            action=READ_PROBLEMS,
            source=CONTRACT,
            waivable=False,
        ),
        Rule(
            rule_id="occurred_at_present",
            column="occurred_at",
            expectation=is_true("has_occurred_at"),
            text_en="the event has no time",
            text_id="waktu riwayat kosong",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        Rule(
            rule_id="occurred_before_cut_off",
            column="occurred_at",
            expectation=at_most("hours_after_cut_off", bounds.clock_skew_hours),
            text_en="happened after the night's cut-off, beyond what a wrong clock explains",
            text_id="waktu riwayat melewati batas malam, di luar selisih jam yang wajar",
            action=FIX_AT_SOURCE,
            source="bounds.yml clock_skew_hours",
        ),
        Rule(
            rule_id="occurred_after_receipt",
            column="occurred_at",
            expectation=at_least("hours_after_receipt", -bounds.early_event_hours),
            text_en="happened more than a day before the complaint was received",
            text_id="waktu riwayat lebih dari sehari sebelum laporan masuk",
            action=FIX_AT_SOURCE,
            source="bounds.yml early_event_hours",
            severity="warning",
        ),
        Rule(
            rule_id="transition_allowed",
            column="event_type",
            expectation=in_set("transition", references.transitions),
            text_en="a step that the workflow does not know after the one before it",
            text_id="langkah yang tidak dikenal alur kerja sesudah langkah sebelumnya",
            action="See if the log lacks an entry or the profile maps a word wrongly; add real steps to the seed.",
            source="domain 1.6; seed event_transitions",
            severity="warning",
        ),
        Rule(
            rule_id="events_in_order",
            column="occurred_at",
            expectation=at_least("hours_after_event_before", -bounds.early_event_hours),
            text_en="happened more than a day before the event that stands before it in the log",
            text_id="waktu riwayat lebih dari sehari sebelum riwayat yang mendahuluinya",
            action=FIX_AT_SOURCE,
            source="bounds.yml early_event_hours",
            severity="warning",
        ),
        Rule(
            rule_id="mass_closing",
            column="occurred_at",
            expectation=below("closed_together", bounds.mass_closing_count),
            text_en=f"{bounds.mass_closing_count} or more completed within {minutes} minutes of it",
            text_id=f"{bounds.mass_closing_count} atau lebih selesai dalam selang {minutes} menit darinya",
            action="Ask the agency whether the answers were given: closing in bulk is not completing.",
            source="domain 11, trap 32; bounds.yml mass_closing_count, mass_closing_minutes",
            severity="warning",
            owner="steward",
        ),
        rest_readable("event_rest_readable"),
    ]
