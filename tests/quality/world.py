"""A made-up world to gate: nights, deliveries and raw rows, written as the loader would, without the loader."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json
from psycopg2.sql import SQL, Identifier, Placeholder

NIGHT = date(2021, 6, 30)
BATAM = "KOTA-21.71"
WIB = ZoneInfo("Asia/Jakarta")
CUT_OFF = datetime(2021, 7, 1, tzinfo=WIB)

GOOD: dict[str, dict[str, Any]] = {
    "complaints": {
        "source_system": "lapor",
        "report_class": "PENGADUAN",
        "category_main": "KESEHATAN",
        "channel": "WEBSITE",
        "input_method": "MANDIRI",
        "is_anonymous": False,
        "is_secret": False,
        "kemendagri_code": "21.71",
        "unit_name": "Dinas Kesehatan",
        "status": "SELESAI",
        "received_at": CUT_OFF - timedelta(days=20),
        "completed_at": CUT_OFF - timedelta(days=10),
        "updated_at": CUT_OFF - timedelta(days=10),
    },
    "complaint_events": {
        "source_system": "lapor",
        "event_type": "MASUK",
        "occurred_at": CUT_OFF - timedelta(days=20),
        "unit_name": "Dinas Kesehatan",
        "actor_level": "PELAPOR",
    },
    "survey_responses": {
        "survey_code": "LAPOR-2020",
        "wave": 2020,
        "kemendagri_code": "21",
        "sampling_weight": 1,
        "answers": {"kerahasiaan": 4, "kecepatan_respons": 1},
    },
    "recaps": {
        "subject_code": BATAM,
        "subject_name": "Kota Batam",
        "period_start": date(2021, 1, 1),
        "period_end": date(2021, 6, 30),
        "received_count": 71,
        "completed_count": 46,
    },
    "ratings": {"source_system": "lapor", "stars": 4, "rated_at": CUT_OFF - timedelta(days=9)},
    "units": {"unit_name": "Dinas Kesehatan", "valid_from": date(2020, 1, 1)},
    "agency_activity": {
        "as_of_date": date(2021, 6, 30),
        "last_login_at": CUT_OFF - timedelta(days=1),
        "action_plan_stated": True,
        "liaison_officer_count": 12,
        "admin_count": 2,
    },
}
NUMBER = {
    "complaints": "tracking_id",
    "complaint_events": "event_seq",
    "survey_responses": "respondent_key",
    "ratings": "tracking_id",
    "units": "unit_code",
}


@dataclass
class World:
    """Writes nights, deliveries and rows; every row is good but for what a test says."""

    connection: Connection
    rows: int = 0
    nights: set[date] = field(default_factory=set)

    def run(self, query: str | SQL, values: Any = None) -> list[tuple[Any, ...]]:
        """Run a query as the owner, commit, and return its rows."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def insert(self, table: str, values: dict[str, Any], returning: str) -> int:
        query = SQL("insert into {} ({}) values ({}) returning {}").format(
            Identifier(*table.split(".")),
            SQL(", ").join(map(Identifier, values)),
            SQL(", ").join(map(Placeholder, values)),
            Identifier(returning),
        )
        return int(self.run(query, values)[0][0])

    def delivery(self, agency: str = BATAM, resource: str = "complaints", night: date = NIGHT, **values: Any) -> int:
        """A received delivery of an agency; rows added to it are counted in its ledger row."""
        if night not in self.nights:
            cut_off = datetime.combine(night + timedelta(days=1), datetime.min.time(), tzinfo=WIB)
            self.run("insert into ops.nights values (%s, %s, 'test', true)", [night, cut_off])
            self.run(
                "insert into raw.agencies (night, registry, is_simulated, agency_code, name, kind, time_zone, content_hash)"
                " select %s, 'test', true, %s, 'Kota Batam', 'kota', 'Asia/Jakarta', 'h'",
                [night, BATAM],
            )
            self.nights.add(night)
        if "loaded_rows" in values:
            values.setdefault("received_rows", values["loaded_rows"])
        values = {"connector": "rest", "state": "received", "attempt": 1, **values}
        return self.insert(
            "ops.deliveries", {"night": night, "agency_code": agency, "resource": resource, **values}, "delivery_id"
        )

    def row(self, table: str, delivery: int, **values: Any) -> int:
        """A row of a raw table, good but for `values`; returns its row_id."""
        self.rows += 1
        number: dict[str, Any] = {NUMBER[table]: str(6_000_000 + self.rows)} if table in NUMBER else {}
        if table == "complaints":
            number["reporter_key"] = f"reporter {self.rows}"
        if table == "complaint_events":
            number = {"event_seq": self.rows, "tracking_id": str(5_000_000 + self.rows)}
        content = GOOD[table] | number | values
        night, agency = self.run("select night, agency_code from ops.deliveries where delivery_id = %s", [delivery])[0]
        content = {
            "delivery_id": delivery,
            "night": night,
            "agency_code": agency,
            "source_position": f"row {self.rows}",
            "content_hash": repr(sorted((content | {"reporter_key": values.get("reporter_key")}).items())).encode(),
            **content,
        }
        if isinstance(content.get("answers"), dict):
            content["answers"] = Json(content["answers"])
        what = "events" if table == "complaint_events" else "rows"
        self.run(
            f"update ops.deliveries set received_{what} = received_{what} + 1, loaded_{what} = loaded_{what} + 1"
            " where delivery_id = %s",
            [delivery],
        )
        return self.insert(f"raw.{table}", content, "row_id")

    def complaint(self, delivery: int, **values: Any) -> int:
        return self.row("complaints", delivery, **values)

    def redo(self, delivery: int) -> None:
        """What the loader does first when a delivery is fetched again."""
        for table in GOOD:
            self.run(SQL("delete from raw.{} where delivery_id = %s").format(Identifier(table)), [delivery])
        self.run(
            "update ops.deliveries set attempt = attempt + 1, received_rows = 0, loaded_rows = 0,"
            " received_events = 0, loaded_events = 0 where delivery_id = %s",
            [delivery],
        )
        self.run("update ops.nights set changed_seq = changed_seq + 1")

    def verdict(self, agency: str = BATAM, resource: str = "complaints", night: date = NIGHT) -> Any:
        rows = self.run(
            "select verdict from quality.agency_verdict where night = %s and agency_code = %s and resource = %s",
            [night, agency, resource],
        )
        return rows[0][0] if rows else None

    def quarantine(self) -> list[tuple[Any, ...]]:
        """(row_id, status, times_seen) of every record, oldest row first."""
        return self.run("select row_id, status, times_seen from quality.quarantined_record order by row_id")
