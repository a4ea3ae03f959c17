"""Plays rows of conformance.py."""

from http2.frames import Broken, Http2Connection
from http2.verdicts import outcome


def play(case, port, **options):
    """What became of the row, as text; None: what was wanted."""
    with Http2Connection(port, begin=case.begin, **options) as connection:
        try:
            for step in case.steps:
                if callable(step):
                    step(connection)
                else:
                    connection.send(step)
            came = outcome(connection, case.wanted)
        except Broken as broken:
            return f"broke the protocol: {broken}; {connection.told()}"
        except AssertionError as error:
            return str(error)
        return None if came in case.wanted else f"{came}; {connection.told()}"


def differences(cases, port, *who, **options):
    """[(case, what came)] of those that differ from their row, and from what the row says of one of `who`."""
    found = []
    for case in cases:
        came = play(case, port, **options)
        known = next((case.others[name] for name in who if name in case.others), None)
        if (came or "").split(";")[0] != (known or ""):
            found.append((case, came or f"as the row wants, not {known!r}"))
    return found
