/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Who is told that a packet went nowhere, as whom, and how often.
 *
 *   from a guest      to the guest, over its link, from its gateway's address; without a route
 *                     nobody else is told, for where no VRF leads nobody is to look from outside
 *   from a tunnel     to the packet's source, through the VRF that the packet had entered, from the
 *                     virtual router's address there: the VRF's IPv4 gateway, or
 *                     IP_VIRTUAL_ROUTER_V6. RFC 4443 section 2.2 asks for a unicast address of our
 *                     own; the gateway's link-local one must not leave its link, and the underlay's
 *                     is not the tenant's to see.
 *
 * Each interface and each VRF has a rate of its own (RFC 1812 section 4.3.2.8, RFC 4443 section
 * 2.4 (f)).
 */

#include "lib/ring/note.h"
#include "slowpath/context.h"

/** Tells of a packet that was punted as PUNT_TTL_EXPIRED, PUNT_TOO_BIG or PUNT_NO_ROUTE. @return
 * PARSE_OK if the error is on its way, else why there is none. */
enum drop_reason icmp_error_tell(struct slowpath *slowpath, const struct packet_note *note,
                                 const struct punted *punted);
