#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The two ends of an 802.1Q tag for kernels that cannot make VLAN interfaces: carries frames between
a TAP interface that it makes and the frames with one tag on a trunk interface.

usage: vlan_port.py TRUNK TAG TAP

Runs in the trunk's network namespace; the TAP may be moved to another one. Python's standard
library only."""

import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
ETH_P_ALL, ETH_P_8021Q = 0x0003, 0x8100
SOL_PACKET, PACKET_AUXDATA = 263, 8
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID = 1 << 4
# struct tpacket_auxdata: status, len, snaplen, mac, net, vlan_tci, vlan_tpid
AUXDATA = struct.Struct("=IIIHHHH")
FRAME_MAX = 65536


def open_tap(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def open_trunk(name):
    trunk = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    trunk.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    trunk.bind((name, ETH_P_ALL))
    return trunk


def receive_tagged(trunk, tag):
    """The next frame of the trunk without its tag, or None where it is not of this tag. The kernel
    has taken the tag out of the frame already and hands it over beside it."""
    frame, extras, _, address = trunk.recvmsg(FRAME_MAX, socket.CMSG_SPACE(AUXDATA.size))
    if address[2] == PACKET_OUTGOING:
        return None
    for level, kind, data in extras:
        if level == SOL_PACKET and kind == PACKET_AUXDATA and len(data) >= AUXDATA.size:
            status, _, _, _, _, tci, _ = AUXDATA.unpack_from(data)
            if status & TP_STATUS_VLAN_VALID:
                return frame if tci & 0xFFF == tag else None
    if len(frame) >= 18 and frame[12:14] == struct.pack("!H", ETH_P_8021Q):
        if struct.unpack_from("!H", frame, 14)[0] & 0xFFF == tag:
            return frame[:12] + frame[16:]
    return None


def main(trunk_name, tag, tap_name):
    tap, trunk = open_tap(tap_name), open_trunk(trunk_name)
    header = struct.pack("!HH", ETH_P_8021Q, tag)
    print("ready", flush=True)
    while True:
        for ready in select.select([tap, trunk], [], [])[0]:
            try:
                if ready == tap:
                    frame = os.read(tap, FRAME_MAX)
                    trunk.send(frame[:12] + header + frame[12:])
                else:
                    frame = receive_tagged(trunk, tag)
                    if frame:
                        os.write(tap, frame)
            except OSError as error:
                # An interface that is down loses frames, as a cable does; one that is gone has
                # ended this port.
                if not os.path.exists(f"/sys/class/net/{trunk_name}"):
                    sys.exit(f"{trunk_name} is gone: {error}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
