"""Who reads: what the identity provider says of someone, turned into one role of the database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.portal.keys import keyed
from reports.portal.settings import PortalSettings, ReaderRole

LABELS: dict[ReaderRole, str] = {
    "panrb_analyst": "Kementerian PANRB",
    "ombudsman_reader": "Ombudsman RI",
    "ksp_reader": "Kantor Staf Presiden",
    "agency_reader": "Instansi",
}
AGENCY_CODE = re.compile(r"[A-Z]{1,20}-[A-Z0-9.]{1,20}", re.ASCII)


class NotAReader(Exception):
    """Someone the provider knows and this portal has no place for; `why` says who is to mend what."""

    def __init__(self, indonesian: str, english: str) -> None:
        super().__init__(english)
        self.why = (indonesian, english)


@dataclass(frozen=True, slots=True)
class Reader:
    """role: of the database. agency_code: set if and only if role is agency_reader. label: the institution, no person.

    subject: the same for the same person of the same provider, and not to be turned back into either.
    """

    role: ReaderRole
    agency_code: str | None
    label: str
    subject: str


def reader_from(claims: Mapping[str, Any], rules: PortalSettings) -> Reader:
    """The reader whom verified claims describe.

    Raises NotAReader when the claims name no role we know, more than one, or an agency's reader without its agency.
    """
    stated = claims.get(rules.role_claim)
    values = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    roles = {rules.roles[value] for value in values if isinstance(value, str) and value in rules.roles}
    if not roles:
        raise NotAReader(
            "Akun ini belum mempunyai peran di portal. Mintalah admin instansi Anda mendaftarkannya.",
            "This account has no role in the portal yet. Ask your agency's administrator to enter it.",
        )
    if len(roles) > 1:
        raise NotAReader(
            "Akun ini mempunyai lebih dari satu peran. Mintalah admin identitas menyisakan satu peran.",
            "This account has more than one role. Ask the administrator of identities to leave it one.",
        )
    role = roles.pop()
    agency_code = claims.get(rules.agency_claim) if role == "agency_reader" else None
    if role == "agency_reader" and not (isinstance(agency_code, str) and AGENCY_CODE.fullmatch(agency_code)):
        raise NotAReader(
            "Akun instansi ini tidak menyebut kode instansinya. Mintalah admin identitas melengkapinya.",
            "This agency's account does not name its agency's code. Ask the administrator of identities to add it.",
        )
    return Reader(
        role=role,
        agency_code=agency_code,
        label=agency_code or LABELS[role],
        subject=keyed("subject", f"{claims['iss']}\n{claims['sub']}"),
    )
