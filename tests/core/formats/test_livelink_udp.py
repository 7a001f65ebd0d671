from __future__ import annotations

import struct

import numpy as np

from addon.core.formats.livelink_udp import ORDER, packet

DEVICE = "4D8A4F6A-6F0B-4B5A-9C0E-0123456789AB"


def test_a_packet_is_byte_for_byte_what_programs_that_feed_unreal_send() -> None:
    values = np.linspace(-0.3, 1, 61).astype(np.float32)
    # these write a little-endian 6 and "$", which are the version and the length of a device's 36 letters
    expected = struct.pack("<I", 6) + b"$" + DEVICE.encode()
    expected += struct.pack("!i", 3) + b"Bob" + struct.pack("!If", 4_000_001, 0.0) + struct.pack("!II", 50, 1)
    expected += struct.pack("!B61f", 61, *values)
    assert packet(values, 4_000_001, 50, DEVICE, "Bob") == expected


def test_names_that_are_not_ascii_keep_their_length_in_bytes() -> None:
    sent = packet(np.zeros(61, np.float32), 0, 50, DEVICE, "Zoë")
    assert struct.unpack(">I", sent[41:45]) == (4,)
    assert sent[45:49].decode() == "Zoë"
    assert len(sent) == 49 + 16 + 1 + 61 * 4


def test_values_are_in_apples_order_with_head_and_eyes_after_them() -> None:
    assert len(ORDER) == 61
    assert ORDER[17:19] == ("jawOpen", "mouthClose")
    assert ORDER[51:55] == ("tongueOut", "headYaw", "headPitch", "headRoll")


def test_frames_count_from_each_midnight_anew() -> None:
    after = packet(np.zeros(61, np.float32), 86_400 * 50 + 3, 50, DEVICE, "Bob")
    assert after == packet(np.zeros(61, np.float32), 3, 50, DEVICE, "Bob")
