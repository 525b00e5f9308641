/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The underlay's IPv4 neighbours by hand: what is asked, what they say, and what waits for them. */

#include "slowpath_rig.h"

#include "slowpath/context.h"

#define UNDERLAY 0xc000020b /* 192.0.2.11 */
#define PEER     0xc000020c

extern const struct mac_addr any;
extern const struct mac_addr ours;
extern const struct mac_addr peer;

/** Asks for an IPv4 neighbour of the underlay. @return its adjacency. */
uint32_t want(struct rig *rig, uint32_t address);

struct adjacency *at(struct rig *rig, uint32_t index);

/** The one frame that was sent is a request for `target`, to `destination`. */
void expect_request(struct rig *rig, const struct mac_addr *destination, uint32_t target);

/** An ARP packet of the underlay. */
void hear(struct rig *rig, uint16_t operation, const struct mac_addr *mac, uint32_t sender,
          uint32_t target);

/** An outer frame, numbered, that waits for the adjacency, with a packet of an interface in it. */
void hold_of(struct rig *rig, uint32_t vif, uint32_t adjacency, uint8_t number);

/** The same, of no interface. */
void hold(struct rig *rig, uint32_t adjacency, uint8_t number);

/** The one frame that was sent is that outer frame, to `destination`. */
void expect_held(struct rig *rig, const struct mac_addr *destination, uint8_t number);
