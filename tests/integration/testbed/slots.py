"""Which key is in which slot."""

import functools


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def slot_of(key):
    """Of a key without a hash tag, or of a tag itself."""
    return crc16(key.encode() if isinstance(key, str) else key) % 16384


@functools.cache
def _tags():
    tags, number = {}, 0
    while len(tags) < 16384:
        tags.setdefault(slot_of(f"{number:x}"), f"{number:x}")
        number += 1
    return tags


def tag_of_slot(slot):
    """A word that brings a key into this slot when it stands in braces."""
    return _tags()[slot]
