"""Encoded records and listings of the agencies with an API, made on demand and kept.

A record's bytes depend only on how many of its events have happened: a version is encoded once.
"""

from collections.abc import Callable
from datetime import date

from simulator.dialects import georeport, graph_api, kanal_daerah, lapor_v3, link_api, next_url_api, offset_api
from simulator.registry import Way
from simulator.reports import Report, read_reports
from simulator.world import Listing, World

ENCODERS = {
    "lapor_v3": lapor_v3.encode,
    "kanal_daerah": kanal_daerah.encode,
    "offset_api": offset_api.encode,
    "link_api": link_api.encode,
    "next_url_api": next_url_api.encode,
    "graph_api": graph_api.encode,
    "georeport_json": georeport.encode_json,
    "georeport_xml": georeport.encode_xml,
}
Encode = Callable[[Report, int], bytes]
Progress = Callable[[str], None]


class Archive:
    """What the servers have at hand. Not for several threads."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.positions = {agency.code: index for index, agency in enumerate(world.agencies) if agency.way is Way.API}
        self._encoders = {index: ENCODERS[world.agencies[index].profile] for index in self.positions.values()}
        self._reports: dict[int, Report] = {}
        self._encoded: dict[tuple[int, int], bytes] = {}
        self._events: dict[tuple[int, int], bytes] = {}
        self._listings: dict[tuple[int, date], Listing] = {}

    def listing(self, agency: int, night: date) -> Listing:
        """What the agency has as of the night."""
        key = (agency, night)
        if key not in self._listings:
            self._listings[key] = self.world.listing(agency, night)
        return self._listings[key]

    def records(self, agency: int, listing: Listing) -> list[bytes]:
        """Each record of a listing as its dialect writes it."""
        encode = self._encoders[agency]
        return [self._once(self._encoded, encode, agency, *one) for one in _versions(listing)]

    def event_lists(self, agency: int, listing: Listing) -> list[bytes]:
        """The events of each distinct record of a listing, for the dialect that keeps them beside the records."""
        distinct = dict.fromkeys(_versions(listing))
        return [self._once(self._events, next_url_api.encode_events, agency, *one) for one in distinct]

    def prepare(self, night: date, progress: Progress) -> None:
        """Encode everything as of a night, so that the first reading measures the reader and not the simulator."""
        for count, agency in enumerate(self.positions.values(), start=1):
            listing = self.listing(agency, night)
            self.records(agency, listing)
            if self.world.agencies[agency].profile == "next_url_api":
                self.event_lists(agency, listing)
            # What has come to its end is encoded for good.
            for row, seen in _versions(listing):
                if row in self._reports and seen == len(self._reports[row].events):
                    del self._reports[row]
            if count % 150 == 0 or count == len(self.positions):
                progress(f"encoded {len(self._encoded):,} records of {count} of {len(self.positions)} agencies")

    def _once(self, kept: dict[tuple[int, int], bytes], encode: Encode, agency: int, row: int, seen: int) -> bytes:
        key = (row, seen)
        if key not in kept:
            if row not in self._reports:
                self._reports.update((report.row, report) for report in read_reports(self.world, agency))
            kept[key] = encode(self._reports[row], seen)
        return kept[key]


def _versions(listing: Listing) -> list[tuple[int, int]]:
    return list(zip(listing.rows.tolist(), listing.seen.tolist(), strict=True))
