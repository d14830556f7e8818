"""A made-up raw schema: nights, deliveries and rows as extraction and the gate leave them, small enough to work out by hand."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json
from psycopg2.sql import SQL, Identifier, Placeholder

WIB = ZoneInfo("Asia/Jakarta")
BATAM, KARIMUN, PUPR = "KOTA-21.71", "KAB-21.02", "KEM-1330"
AGENCIES = {
    BATAM: ("Kota Batam", "kota", "21", "21.71"),
    KARIMUN: ("Kabupaten Karimun", "kabupaten", "21", "21.02"),
    PUPR: ("Kementerian Pekerjaan Umum dan Perumahan Rakyat", "kementerian", None, None),
}


def wib(moment: str) -> datetime:
    """ "2021-06-01 09:00" as that time in Jakarta."""
    return datetime.fromisoformat(moment).replace(tzinfo=WIB)


@dataclass
class RawWorld:
    """Writes rows as the loader and the gate do; every method commits."""

    connection: Connection
    deliveries: dict[tuple[date, str, str], int] = field(default_factory=dict)

    def run(self, statement: Any, values: Any = None) -> list[tuple[Any, ...]]:
        """Execute and commit; the rows, if the statement returns any."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str) -> Any:
        """The single value of a query."""
        return self.run(statement)[0][0]

    def open(self, night: date) -> None:
        """A night of the registry's agencies, each of which has nothing until `delivery` says otherwise."""
        self.run(
            "insert into ops.nights (night, cut_off_at, registry, is_simulated) values (%s, %s, 'test', true)",
            (night, datetime.combine(night + timedelta(days=1), datetime.min.time(), WIB)),
        )
        for code, (name, kind, province, regency) in AGENCIES.items():
            self.run(
                "insert into raw.agencies (night, registry, is_simulated, agency_code, name, kind, province_code, regency_code,"
                " time_zone, connected_on, content_hash) select %s, 'test', true, %s, %s, %s, %s, %s, 'Asia/Jakarta', '2021-01-01', ''"
                " where not exists (select from raw.agencies where agency_code = %s)",
                (night, code, name, kind, province, regency, code),
            )
            self.delivery(night, code, state="empty")

    def delivery(
        self,
        night: date,
        agency: str,
        resource: str = "complaints",
        state: str = "received",
        verdict: str | None = "pass",
    ) -> None:
        """A delivery in `state`; its verdict is on its present attempt (None: not gated)."""
        self.run(
            "delete from ops.deliveries where night = %s and agency_code = %s and resource = %s",
            (night, agency, resource),
        )
        row = self.run(
            "insert into ops.deliveries (night, agency_code, resource, state, attempt) values (%s, %s, %s, %s, 1) returning delivery_id",
            (night, agency, resource, state),
        )
        self.deliveries[night, agency, resource] = row[0][0]
        if verdict and state == "received":
            self.run(
                "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict) values (%s, %s, %s, 1, %s)",
                (night, agency, resource, verdict),
            )

    def complaint(
        self, night: date, agency: str, tracking_id: str, events: list[tuple[str, str]], **fields: Any
    ) -> int:
        """A record and its whole log (type, time in WIB); the row id of the record."""
        row_id = self._row(
            "complaints",
            night,
            agency,
            "complaints",
            {
                "source_system": "lapor",
                "tracking_id": tracking_id,
                "report_class": "PENGADUAN",
                "channel": "WEBSITE",
                "input_method": "MANDIRI",
                "is_anonymous": False,
                "is_secret": False,
                "status": "DIPROSES",
                "received_at": wib(events[0][1]) if events else wib("2021-06-01 09:00"),
                **fields,
            },
        )
        for number, (event_type, moment) in enumerate(events, start=1):
            self.event(night, agency, tracking_id, number, event_type, moment)
        return row_id

    def event(self, night: date, agency: str, tracking_id: str, number: int, event_type: str, moment: str) -> int:
        """One event of a complaint; its row id."""
        values = {"source_system": "lapor", "tracking_id": tracking_id, "event_seq": number, "event_type": event_type}
        return self._row("complaint_events", night, agency, "complaints", {**values, "occurred_at": wib(moment)})

    def response(self, night: date, agency: str, respondent: str, answers: dict[str, int]) -> None:
        """A respondent of the survey of 2020."""
        values = {"survey_code": "LAPOR-2020", "wave": 2020, "respondent_key": respondent, "sampling_weight": 1}
        self._row("survey_responses", night, agency, "surveys", {**values, "answers": Json(answers)})

    def recap(self, night: date, agency: str, subject: str, start: date, end: date, **counts: int | None) -> None:
        """What `agency` states about `subject` for a period."""
        self._row(
            "recaps",
            night,
            agency,
            "recaps",
            {"subject_code": subject, "period_start": start, "period_end": end, **counts},
        )

    def rating(self, night: date, agency: str, tracking_id: str, stars: int, rated: str = "2021-06-28 09:00") -> int:
        """What the reporter of a closed complaint thought of it; its row id."""
        values = {"source_system": "lapor", "tracking_id": tracking_id, "stars": stars, "rated_at": wib(rated)}
        return self._row("ratings", night, agency, "ratings", values)

    def unit(self, night: date, agency: str, code: str) -> None:
        """A unit of the agency."""
        self._row("units", night, agency, "units", {"unit_code": code, "unit_name": code})

    def activity(self, night: date, agency: str) -> None:
        """How the agency keeps its side running, as of the night."""
        self._row("agency_activity", night, agency, "activity", {"as_of_date": night})

    def misstate(self, night: date, agency: str, resource: str, records: int = 0, events: int = 0) -> None:
        """Let the ledger say that so many more (or fewer) were delivered than are in raw."""
        self.run(
            "update ops.deliveries set received_rows = received_rows + %(records)s, loaded_rows = loaded_rows + %(records)s,"
            " received_events = received_events + %(events)s, loaded_events = loaded_events + %(events)s"
            " where delivery_id = %(id)s",
            {"records": records, "events": events, "id": self.deliveries[night, agency, resource]},
        )
        self.changed(night)

    def quarantine(self, night: date, agency: str, table: str, row_id: int, status: str = "open") -> None:
        """Keep a row out, as the gate does."""
        self.run(
            "insert into quality.quarantined_record (night, agency_code, table_name, row_id, source_key, source_position, row_hash,"
            " rule_ids, reasons, status, first_seen, last_seen) values (%s, %s, %s, %s, '', '', '', '{rule}', '{reason}', %s, %s, %s)",
            (night, agency, table, row_id, status, night, night),
        )

    def changed(self, night: date) -> None:
        """Say that the night's rows or verdicts changed, as extraction and the gate do."""
        self.run("update ops.nights set changed_seq = changed_seq + 1 where night = %s", (night,))

    def take_back(self, night: date, agency: str, tracking_id: str) -> None:
        """Remove a complaint from a delivery, as taking it again without the complaint does."""
        delivery = self.deliveries[night, agency, "complaints"]
        self.run(
            "delete from raw.complaint_events where delivery_id = %s and tracking_id = %s", (delivery, tracking_id)
        )
        self.run("delete from raw.complaints where delivery_id = %s and tracking_id = %s", (delivery, tracking_id))
        self._count(delivery)
        self.changed(night)

    def publish(self) -> None:
        """What `python -m extract close` does when all tests passed."""
        self.run("update ops.nights set published_seq = built_seq")

    def _row(self, table: str, night: date, agency: str, resource: str, fields: dict[str, Any]) -> int:
        delivery = self.deliveries[night, agency, resource]
        values = {
            "delivery_id": delivery,
            "night": night,
            "agency_code": agency,
            "source_position": "1",
            "content_hash": b"",
            **fields,
        }
        statement = SQL("insert into raw.{} ({}) values ({}) returning row_id").format(
            Identifier(table), SQL(", ").join(map(Identifier, values)), SQL(", ").join(Placeholder() * len(values))
        )
        row_id: int = self.run(statement, list(values.values()))[0][0]
        self._count(delivery)
        return row_id

    def _count(self, delivery: int) -> None:
        self.run(
            "with counted as (select"
            " (select count(*) from raw.complaints where delivery_id = %(id)s)"
            " + (select count(*) from raw.survey_responses where delivery_id = %(id)s)"
            " + (select count(*) from raw.recaps where delivery_id = %(id)s)"
            " + (select count(*) from raw.ratings where delivery_id = %(id)s)"
            " + (select count(*) from raw.units where delivery_id = %(id)s)"
            " + (select count(*) from raw.agency_activity where delivery_id = %(id)s) as records,"
            " (select count(*) from raw.complaint_events where delivery_id = %(id)s) as events)"
            " update ops.deliveries set received_rows = records, loaded_rows = records, received_events = events, loaded_events = events"
            " from counted where delivery_id = %(id)s",
            {"id": delivery},
        )
