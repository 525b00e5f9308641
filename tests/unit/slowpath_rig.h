/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A slow path on a bench: real tables, rings and counters, one worker's rings, an access port
 * with a guest and an underlay port, neither with a device. Frames are punted from blocks of
 * exactly their size, so that AddressSanitizer sees a read beyond them. On close it checks that no
 * packet buffer is missing and that every punted packet was counted once, or is still held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/headers.h"
#include "lib/ring/note.h"
#include "slowpath/slowpath.h"

#define RIG_ACCESS   1 /* port numbers */
#define RIG_UNDERLAY 2

#define RIG_GUEST_MAC    ((struct mac_addr){ { 0x02, 0, 0, 0, 0, 0x01 } })
#define RIG_OTHER_MAC    ((struct mac_addr){ { 0x02, 0, 0, 0, 0, 0x02 } })
#define RIG_UNDERLAY_MAC ((struct mac_addr){ { 0x02, 0, 0, 0, 0, 0xaa } })
#define RIG_PEER_MAC     ((struct mac_addr){ { 0x02, 0, 0, 0, 0, 0xbb } })
#define RIG_ANY_MAC      ((struct mac_addr){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } })

struct rig {
    struct tables *tables;
    struct rings *rings;
    struct counters *counters;
    struct port_table *ports;
    struct rte_mempool *pool;
    struct slowpath *slowpath;
    struct underlay underlay; /* 192.0.2.11, untagged, MTU 1500;. */
    uint64_t now_ms;
    unsigned available; /* packet buffers before the first packet */
    unsigned punted, sent;
    struct packet_note note; /* of the packet that was taken last */
    uint32_t vrf;            /* its gateway is 169.254.0.1 */
    uint32_t vif; /* the guest, in it: 10.0.0.11 and 2001:db8::11, gateways 169.254.0.1 and fe80::1,
                   * DHCP, MTU 1450 */
};

/* Called once by main(): DPDK without huge pages and devices. */
void rig_start_eal(void);

/** Makes it; what a slow path announces at its start is already gone. */
void rig_open(struct rig *rig);

/** The same on another underlay. */
void rig_open_on(struct rig *rig, const struct underlay *underlay);
void rig_close(struct rig *rig);

/** The guest's interface as it is made; and the same with changes. */
struct vif rig_vif(void);
void rig_replace_vif(struct rig *rig, const struct vif *vif);

/** Makes a packet of `octets`, in one segment, or in several of `segment` octets if that is not 0.
 */
struct rte_mbuf *rig_packet(struct rig *rig, const uint8_t *octets, size_t length, size_t segment);

/** Punts a frame of the guest, or of the underlay port. */
void rig_punt(struct rig *rig, enum punt_reason reason, const uint8_t *octets, size_t length);
void rig_punt_packet(struct rig *rig, struct rte_mbuf *packet, const struct packet_note *note);

/** One turn at `rig->now_ms`. */
unsigned rig_turn(struct rig *rig);

/** The next frame that was sent, and its port. @return its length, 0 if there is none. */
size_t rig_take(struct rig *rig, uint8_t *octets, size_t size, uint16_t *port);

/** What was counted. */
uint64_t rig_drops(struct rig *rig, enum drop_reason reason);
uint64_t rig_consumed(struct rig *rig);
uint64_t rig_originated(struct rig *rig);

/* Frames. Addresses in host order; each returns the frame's length. */
size_t rig_arp(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
               uint16_t vlan, uint16_t operation, const struct mac_addr *sender_mac,
               uint32_t sender, uint32_t target);
size_t rig_ipv4(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
                uint16_t vlan, uint32_t from, uint32_t to, uint8_t protocol, uint16_t fragment,
                const void *payload, size_t length);

/** An address of either family from its text. */
struct ip_addr rig_address(const char *text);

/** A frame with an IPv6 packet. */
size_t rig_ipv6(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
                uint16_t vlan, const struct ip_addr *from, const struct ip_addr *to, uint8_t next,
                uint8_t hop_limit, const void *payload, size_t length);

/** The same with an ICMPv6 message, whose checksum is made right: four octets, then `body`. */
size_t rig_icmp6(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
                 uint16_t vlan, const struct ip_addr *from, const struct ip_addr *to,
                 uint8_t hop_limit, uint8_t type, uint8_t code, const void *body, size_t length);

/** Writes an ICMP message with its checksum. @return its length: 8 + `length`. */
size_t rig_icmp(uint8_t *message, uint8_t type, uint8_t code, const void *data, size_t length);

/** No frame was sent. */
void expect_silence(struct rig *rig);

/** Time passes, and the slow path has a turn. */
void advance(struct rig *rig, uint64_t ms);
