"""Where live rows go: lines on stdout, or packets to an engine; both say at which time of day a row was spoken."""

from __future__ import annotations

import json
import math
import re
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache

import numpy as np

from ..core.curves import Array, Curves
from ..core.errors import FacewrightError, quoted, reason
from ..core.formats import livelink_csv, livelink_udp
from ..core.formats.timecode import DAY_S
from ..core.model import RATE
from . import terminal

HOP_S = 1 / RATE  # the most sound that is heard before the first rows are asked for
LATE_S = 0.1  # more, and sound was lost, or had waited, or is sampled at another rate than it says
SETTLING_S = 2.5  # of sound; what two such stretches agree on stays, while a busy machine is late by this and that
REST_ROWS = 6  # 120 ms, as lips take to close
HOST_AND_PORT = re.compile(r"(?:\[(?P<six>[^][]+)\]|(?P<host>[^][:]+))(?::(?P<port>[0-9]{1,5}))?")
Sink = Callable[[Curves, int], None]  # rows, and the number of the first
Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


class DayClock:
    """The time of day at which a stream began, moved on by what was lost of it and back by what had waited before it
    was first heard, so that its rows keep to the day."""

    def __init__(self) -> None:
        self._first_s: float | None = None
        self._moved_s, self._settled_s = 0.0, SETTLING_S
        self._least_s = self._before_s = math.inf  # that rows come after their moment, in this stretch and the last

    def began_s(self, sound_s: float, now_s: float) -> float:
        """The beginning as it is known when so much sound has been heard, at this time of day."""
        self._first_s = now_s - sound_s if self._first_s is None else self._first_s
        behind_s = (now_s - self._first_s - sound_s + DAY_S / 2) % DAY_S - DAY_S / 2  # over midnight too
        self._least_s = min(self._least_s, behind_s)
        if sound_s >= self._settled_s:
            if abs(self._least_s - self._before_s) <= LATE_S < abs(self._least_s - self._moved_s):
                self._moved_s = self._least_s
            self._before_s, self._least_s, self._settled_s = self._least_s, math.inf, sound_s + SETTLING_S
        return (self._first_s + self._moved_s) % DAY_S


def midnight_s() -> float:
    """Seconds since midnight, by this machine's clock."""
    now = datetime.now().astimezone()
    return now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6


def _began_s() -> float:
    return (midnight_s() - HOP_S) % DAY_S


def printer(as_json: bool) -> Sink:
    """Rows as lines on stdout, each there at once."""
    began_s = cache(_began_s)  # asked with the first hop, which may come long after the program is ready

    def lines(rows: Curves, first: int) -> Iterator[str]:
        if as_json:
            for number, row in enumerate(rows.values, first):
                named = zip(rows.names, (round(float(value), 5) for value in row), strict=True)
                yield json.dumps({"s": round(number / RATE, 3), **dict(named)})
            return
        for number, row in enumerate(rows.select(livelink_csv.ORDER).values, first):
            yield livelink_csv.line(row, number, RATE, began_s())

    def show(rows: Curves, first: int) -> None:
        began_s()
        if first == 0 and len(rows.values) and not as_json:
            print(",".join(livelink_csv.HEADER))
        for line in lines(rows, first):
            print(line)
        sys.stdout.flush()

    return show


@contextmanager
def sender(to: str, subject: str) -> Iterator[Sink]:
    """Rows as packets to a host and port, and at the end, however it comes, a mouth that closes.

    A network that goes away while they are sent is told, and waited for.
    """
    if not 0 < len(subject.encode(errors="replace")) <= livelink_udp.LONGEST_NAME or not subject.isprintable():
        raise FacewrightError(f"--subject must be 1 to {livelink_udp.LONGEST_NAME} bytes of text")
    device, clock = str(uuid.uuid4()).upper(), DayClock()
    was_there: bool | None = None  # for the last packet; None before the first
    shown, sent = np.zeros(len(livelink_udp.ORDER), np.float32), 0

    def send(rows: Curves, first: int) -> None:
        nonlocal was_there, shown, sent
        start = round(clock.began_s((first + len(rows.values)) / RATE + HOP_S, midnight_s()) * RATE)
        for number, row in enumerate(rows.select(livelink_udp.ORDER).values, first):
            try:
                outlet.sendto(livelink_udp.packet(row, start + number, round(RATE), device, subject), address)
            except ConnectionResetError:  # Windows says so where nobody listened to the one before
                continue
            except OSError as error:
                fault = f"{quoted(to)} cannot be sent to ({reason(error)})"
                if was_there is None:
                    raise FacewrightError(f"{fault}; check the host") from error
                if was_there:
                    terminal.note(f"{fault}; rows are lost until it can")
                was_there = False
            else:
                was_there, shown, sent = True, row, number + 1

    outlet, address = _outlet(to)
    with outlet:
        try:
            yield send
        finally:
            for row in _to_rest(shown) if was_there else ():
                send(Curves(row, livelink_udp.ORDER, RATE), sent)


def _to_rest(row: Array) -> Iterator[Array]:
    """Rows (1, C) from this one, (C,), to a face at rest, each when it is due."""
    for left in reversed(range(REST_ROWS)):
        time.sleep(HOP_S)
        yield row[np.newaxis] * np.float32(left / REST_ROWS)


def _outlet(to: str) -> tuple[socket.socket, Address]:
    """A socket for a host and port, and their address."""
    parts = HOST_AND_PORT.fullmatch(to)
    port = int((parts and parts["port"]) or livelink_udp.PORT)
    if not parts or not 0 < port < 65536:
        raise FacewrightError(
            "--to must be a host, or a host and its port such as 192.168.0.5:11111 or [fe80::5]:11111, "
            f"not {quoted(to)}"
        )
    try:
        found = socket.getaddrinfo(parts["six"] or parts["host"], port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)  # Unreal hears IPv4
        outlet = socket.socket(family, kind, protocol)
        outlet.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)  # 192.168.0.255 is every engine of a stage
        return outlet, address
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
        why = reason(error) if isinstance(error, OSError) else "not a host's name"
        raise FacewrightError(f"there is no way to {quoted(to)} ({why}); check the host") from error
