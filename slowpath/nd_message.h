/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Neighbour discovery messages (RFC 4861) as octets: read strictly, written whole. Any thread.
 */

#include <stdbool.h>

#include "lib/net/headers.h"
#include "lib/net/parse.h"
#include "slowpath/frame.h"

/* What a neighbour advertisement says about itself (RFC 4861 section 4.4). */
#define ND_FLAG_ROUTER    0x80
#define ND_FLAG_SOLICITED 0x40
#define ND_FLAG_OVERRIDE  0x20

/* A router solicitation, a neighbour solicitation or a neighbour advertisement. */
struct nd_message {
    uint8_t type;  /* ND_ROUTER_SOLICITATION, ND_NEIGHBOUR_SOLICITATION or _ADVERTISEMENT */
    uint8_t flags; /* of an advertisement: ND_FLAG_* */
    bool has_mac;
    struct mac_addr mac;   /* of the link-layer address option: a solicitation's source, an
                            * advertisement's target */
    struct ip_addr source; /* IP_NONE: unspecified, the sender has no address yet */
    struct ip_addr destination;
    struct ip_addr target; /* IP_NONE in a router solicitation */
};

/**
 * Reads the message of a frame and validates it as RFC 4861 sections 6.1.1, 7.1.1 and 7.1.2 ask.
 * @param octets the frame; all `length` octets can be read
 * @return PARSE_OK; what parse_frame() and parse_ipv6() return; DROP_ND_INVALID; or DROP_ND_IGNORED
 * for router advertisements and redirects, which nobody here follows.
 */
enum drop_reason nd_message_parse(const uint8_t *octets, size_t length, struct frame_view *view,
                                  struct nd_message *message);

/** The group that is asked for an address (RFC 4291 section 2.7.1). */
struct ip_addr nd_solicited_node(const struct ip_addr *address);

/** Writes a whole neighbour solicitation. @param mac ours, or NULL for duplicate address detection,
 * whose source is unspecified */
void nd_write_solicitation(struct frame *frame, const struct link_address *link,
                           const struct ip_addr *source, const struct ip_addr *destination,
                           const struct ip_addr *target, const struct mac_addr *mac);

/** Writes a whole neighbour advertisement: `target` is at `mac`. */
void nd_write_advertisement(struct frame *frame, const struct link_address *link,
                            const struct ip_addr *source, const struct ip_addr *destination,
                            const struct ip_addr *target, uint8_t flags,
                            const struct mac_addr *mac);

/**
 * Writes a whole router advertisement with the sender's MAC address and an MTU. It has no prefix:
 * addresses are not made up by hosts, and no other one is on the link.
 * @param lifetime_seconds as default router
 */
void nd_write_router_advertisement(struct frame *frame, const struct link_address *link,
                                   const struct ip_addr *source, const struct ip_addr *destination,
                                   uint16_t lifetime_seconds, uint16_t mtu);
