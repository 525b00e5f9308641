/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The guest whose frames the slow path's fuzzers make up: the one of the seeds. */

#include <stdlib.h>
#include <string.h>

#include "slowpath/frame.h"

#define GUEST_ADDRESS 0x0a00000bu /* 10.0.0.11 */
#define GUEST_GATEWAY 0xa9fe0001u /* 169.254.0.1 */

/* 2001:db8::11, 2001:db8:5::/48 and fe80::1 */
#define GUEST_ADDRESS6 ((struct ip_addr){ IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x11 } })
#define GUEST_PREFIX6  ((struct vif_source6){ { 0x20, 0x01, 0x0d, 0xb8, 0, 5 }, 48 })
#define GUEST_GATEWAY6 ((struct ip_addr){ IP_V6, { 0xfe, 0x80, [15] = 1 } })

static inline struct vif
guest_vif(uint16_t vlan)
{
    struct vif vif = {
        .vlan = vlan,
        .mtu = 1450,
        .up = true,
        .n_sources = 2,
        .mac = { { 0x02, 0, 0, 0, 0, 0x01 } },
        .gateway_mac = MAC_VIRTUAL_ROUTER,
        .gateway_mac6 = MAC_VIRTUAL_ROUTER_V6,
        .sources = { { GUEST_ADDRESS, UINT32_MAX }, { 0x0a640000, 0xffff0000 } },
        .n_sources6 = 2,
        .sources6 = { { { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x11 }, 128 }, GUEST_PREFIX6 },
        .gateway = ip_addr_from_v4(GUEST_GATEWAY),
        .gateway6 = GUEST_GATEWAY6,
        .service = {
            .dhcp = true,
            .address = ip_addr_from_v4(GUEST_ADDRESS),
            .prefix_length = 32,
            .lease_seconds = 3600,
            .n_dns = 1,
            .dns = { ip_addr_from_v4(0x09090909) },
            .router_advertisement = true,
            .n_addresses6 = 1,
            .addresses6 = { GUEST_ADDRESS6 },
        },
    };

    return vif;
}

/* A frame of the virtual router to the guest and nobody else, or to all: @return where its payload
 * begins. */
static inline size_t
check_link(const struct vif *vif, const struct frame *frame)
{
    const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
                  all6[6] = { 0x33, 0x33, [5] = 1 };
    const size_t at = vif->vlan == VLAN_UNTAGGED ? 14 : 18;

    if (frame->length < at || frame->length > sizeof(frame->octets))
        abort();
    const bool v6 = frame->octets[at - 2] == 0x86;
    if (memcmp(frame->octets, &vif->mac, 6) != 0 && memcmp(frame->octets, v6 ? all6 : all, 6) != 0)
        abort();
    if (memcmp(frame->octets + 6, v6 ? &vif->gateway_mac6 : &vif->gateway_mac, 6) != 0)
        abort();
    return at;
}
