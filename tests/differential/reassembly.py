# SPDX-License-Identifier: BSD-3-Clause
"""Outer fragments of tunnelled packets, put together: RFC 791 section 3.2, RFC 8200 section 4.5,
RFC 5722. A datagram is looked at when as many octets have come as it has: then it is whole, or all
of it goes."""

import struct

from headers import FRAGMENT, checksum

LARGEST = 65535
MIDDLE_MAX = 8 - 2  # between the first and the last


class Piece:
    """A fragment: what stands before it in the frame, and what it carries."""

    def __init__(self, frame, outer, l3_offset):
        self.link, self.ecn = frame[:l3_offset], outer.traffic_class & 3
        if outer.family == 4:
            self.header = outer.octets[:outer.header_length]
            flags, = struct.unpack(">H", self.header[6:8])
            self.offset, self.more = (flags & 0x1fff) * 8, bool(flags & 0x2000)
            self.protocol, identification = outer.protocol, self.header[4:6]
        else:
            self.header = outer.octets[:48]
            offset, = struct.unpack(">H", self.header[42:44])
            self.offset, self.more = offset & 0xfff8, bool(offset & 1)
            self.protocol, identification = self.header[40], self.header[44:48]
        self.data = outer.octets[len(self.header):]
        self.key = (outer.source, outer.destination, identification, self.protocol)

    def is_possible(self):
        return len(self.data) > 0 and not (self.more and len(self.data) % 8) and \
            len(self.header) + self.offset + len(self.data) <= LARGEST


class Reassembly:
    """Fragments that wait. Each belongs to addresses, identification and protocol."""

    def __init__(self):
        self.waiting, self.undone, self.taken = {}, None, None

    def begin(self):
        """The next packet comes."""
        self.undone = self.taken = None

    def held(self):
        return sum(map(len, self.waiting.values()))

    def take(self, piece):
        """A fragment comes; the same one is taken once. @return (the pieces of a datagram in order
        or None, how many were dropped)."""
        if self.taken is None:
            self.taken = self.add(piece)
        return self.taken

    def add(self, piece):
        there = self.waiting.pop(piece.key, [])
        self.undone = (piece.key, there)
        together = there + [piece]
        if self.is_too_many(together):
            return None, len(together)
        octets = sum(len(each.data) for each in together)
        end = next((each.offset + len(each.data) for each in together
                    if each.offset > 0 and not each.more), None)
        if end is None or octets < end:
            self.waiting[piece.key] = together
            return None, 0
        in_order, at = sorted(together, key=lambda each: each.offset), 0
        if octets > end:
            return None, len(together)
        for each in in_order:
            if each.offset != at:
                return None, len(together)
            at += len(each.data)
        return in_order, 0

    @staticmethod
    def is_too_many(pieces):
        """Two firsts, two lasts, or too many between them."""
        firsts = sum(each.offset == 0 for each in pieces)
        lasts = sum(each.offset > 0 and not each.more for each in pieces)
        return firsts > 1 or lasts > 1 or len(pieces) - firsts - lasts > MIDDLE_MAX

    def undo(self):
        """Forgets that the last packet came."""
        if self.undone is not None:
            key, there = self.undone
            self.waiting.pop(key, None)
            if there:
                self.waiting[key] = there


def whole_frame(pieces, congested):
    """The frame that the sender's network cut: the first one's headers, without what says that it
    was a fragment."""
    first, data = pieces[0], b"".join(each.data for each in pieces)
    header = bytearray(first.header)
    if header[0] >> 4 == 4:
        flags, = struct.unpack(">H", header[6:8])
        struct.pack_into(">H", header, 2, len(header) + len(data))
        struct.pack_into(">H", header, 6, flags & 0x4000)
        header[1] |= 3 if congested else 0
        header[10:12] = b"\0\0"
        header[10:12] = struct.pack(">H", checksum(bytes(header)))
    else:
        assert header[6] == FRAGMENT
        header[6] = header[40]
        del header[40:]
        struct.pack_into(">H", header, 4, len(data))
        header[1] |= 0x30 if congested else 0
    return first.link + bytes(header) + data
