"""Rows of marts that the pull API masks besides the small ones, because a small one would follow from them."""

from reports.portal.pages import frame


def hidden_rows(mart: str) -> frozenset[str]:
    """Keys (`catalog.key_text`) of the mart's rows that the night's decision hides: the pages' and the files' own.

    Opens transactions of its own: not to be called inside another.
    """
    small = frame.small_cells_now()
    return frozenset() if small is None else small.rows_of(mart)


def forget() -> None:
    """Decide anew when next asked."""
    frame.forget()
