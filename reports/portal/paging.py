"""Where the next page of a list begins, as a text that means nothing to whoever carries it."""

import base64
import hmac
import json

from reports.portal.errors import Refused
from reports.portal.keys import keyed


def sealed(purpose: str, parts: list[str]) -> str:
    """Where the next page begins, signed so that only what was given out comes back."""
    text = json.dumps(parts, ensure_ascii=False)
    return base64.urlsafe_b64encode(f"{keyed(f'cursor {purpose}', text)}{text}".encode()).decode()


def opened(purpose: str, cursor: str | None, parts: int) -> list[str]:
    """The parts of a cursor that `sealed` made for the same purpose; none without one. Raises Refused (404)."""
    if cursor is None:
        return []
    try:
        plain = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode()
    except ValueError:
        plain = ""
    seal, text = plain[:32], plain[32:]
    if not hmac.compare_digest(seal.encode(), keyed(f"cursor {purpose}", text).encode()):
        raise Refused(404, "No page begins there: the cursor is not one of this list. Begin again without it.")
    found = [str(part) for part in json.loads(text)]
    assert len(found) == parts, "signed by us for this list"
    return found
