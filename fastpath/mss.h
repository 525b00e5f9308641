/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The maximum segment size of TCP, lowered in the segments that open a connection to what an
 * interface allows. It is never raised, and none is added: a side that says nothing is sent 536
 * octets (RFC 9293 section 3.7.1), 1220 over IPv6.
 */

#include <stddef.h>

#include "fastpath/burst.h"

/**
 * Lowers the maximum segment size in a packet of the burst, if it is a SYN or SYN-ACK, not a
 * fragment, with its TCP header in the first segment of the buffer. The checksum follows.
 * @param mss octets over IPv4, at least 21; 20 less hold over IPv6
 */
void mss_clamp(struct burst *burst, unsigned i, uint16_t mss);

/** The same for a TCP segment, of whose `length` octets nothing behind is looked at. */
void mss_clamp_segment(uint8_t *segment, size_t length, uint16_t mss);
