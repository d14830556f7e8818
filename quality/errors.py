"""What can stop the gate."""


class NotEvaluated(RuntimeError):
    """The night was not judged: nothing is released. The message names the rule or thing and the way out."""


class NotDecidable(Exception):
    """There is nothing to decide, or not so; the message says why and what is possible."""


class NotHeld(RuntimeError):
    """There is no held delivery to release; the message says what there is."""
