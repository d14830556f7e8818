"""What can go wrong, named for what the caller can do about it."""


class DeliveryFailed(Exception):
    """One delivery could not be had; its ledger row says why and the night goes on.

    `retryable` is true when asking again in the same night may help.
    """

    def __init__(self, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable


class DeliveryLate(DeliveryFailed):
    """The agency has not put its file there yet."""


class ProfileInvalid(ValueError):
    """A profile does not say what it must; the message names the file and the key."""


class RegistryInvalid(ValueError):
    """The registry contradicts itself; the message names the file, the row and the remedy."""
