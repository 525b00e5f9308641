/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Neighbour discovery on an underlay of IPv6 by hand: what is asked and what is said. */

#include "slowpath_rig.h"

#include "slowpath/context.h"

#define OURS       "2001:db8:f::11"
#define OURS_GROUP "ff02::1:ff00:11"
#define PEER       "2001:db8:f::12"
#define PEER_GROUP "ff02::1:ff00:12"
#define NOBODY     "::"
#define ALL        "ff02::1"
#define TAG        300

#define SOLICITED 0x40
#define OVERRIDE  0x20

extern const struct mac_addr ours;
extern const struct mac_addr peer;
extern const struct mac_addr moved;
extern const struct mac_addr all;
extern const struct mac_addr ours_group;
extern const struct mac_addr peer_group;

/** A rig on an underlay of IPv6 alone; `vlan` 0: without a tag. */
void open_rig(struct rig *rig, uint16_t vlan);

/** Asks for a neighbour of the underlay. @return its adjacency. */
struct adjacency *want(struct rig *rig, const char *address);

/** A rig in which PEER is wanted, and asked for. */
struct adjacency *open_asked(struct rig *rig, uint16_t vlan);

/** The same, and it has answered. */
struct adjacency *open_known(struct rig *rig, uint16_t vlan);

/** The next frame that was sent is a message of neighbour discovery about `target`; `mac` in its
 * option, or without one. */
void expect_message(struct rig *rig, const struct mac_addr *to_mac, const char *from,
                    const char *to, uint8_t type, uint8_t flags, const char *target,
                    const struct mac_addr *mac);

/** The next frame asks the group of PEER for it. */
void expect_question(struct rig *rig);

/** The next frame asks PEER itself, at this MAC address. */
void expect_probe(struct rig *rig, const struct mac_addr *mac);

/** A message from the underlay. */
void hear(struct rig *rig, const struct mac_addr *from_mac, const char *from, const char *to,
          uint8_t type, uint8_t flags, const char *target, const struct mac_addr *mac);

/** PEER says where it is: to us if it was asked, else to all. */
void hear_answer(struct rig *rig, uint8_t flags, const struct mac_addr *mac);
