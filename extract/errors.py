"""What can go wrong, named for what the caller can do about it."""


class DeliveryFailed(Exception):
    """One delivery could not be had; its ledger row says what was wrong and what to do, and the night goes on.

    `retryable` is true when asking again in the same night may help, after `retry_after` seconds if the source said so.
    """

    def __init__(
        self, reason: str, remedy: str = "", *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        told = f"{reason}. {remedy}" if remedy else reason
        # Some of it are the source's own words: a line break, a NUL or half a letter has no place in the ledger.
        super().__init__("".join(sign if sign.isprintable() else " " for sign in told))
        self.reason = str(self)
        self.retryable = retryable
        self.retry_after = retry_after


class SourceChanged(DeliveryFailed):
    """What came is not what the profile describes. Asking again does not help; a person has to look."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason,
            "The source has changed: compare a fresh sample with its profile (python -m extract check-profile).",
        )


class DeliveryLate(DeliveryFailed):
    """The agency has not put its file there yet."""


class DeliveryTaken(DeliveryFailed):
    """Another extraction has it in hand or had it meanwhile: the ledger is that one's to write."""


class ProfileInvalid(ValueError):
    """A profile does not say what it must; the message names the file and the key."""


class RegistryInvalid(ValueError):
    """The registry contradicts itself; the message names the file, the row and the remedy."""


class SealBroken(RuntimeError):
    """A landing segment cannot be opened: wrong key, cut off or altered. The message says which."""


class LandingUnavailable(RuntimeError):
    """Originals cannot be put where they are kept: no agency's trouble, and nothing more can be had."""
