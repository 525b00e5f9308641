/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The guest whose frames the slow path's fuzzers make up: the one of the seeds. */

#include <stdlib.h>
#include <string.h>

#include "slowpath/frame.h"

#define GUEST_ADDRESS 0x0a00000bu /* 10.0.0.11 */
#define GUEST_GATEWAY 0xa9fe0001u /* 169.254.0.1 */

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
        .sources = { { GUEST_ADDRESS, UINT32_MAX }, { 0x0a640000, 0xffff0000 } },
        .gateway = ip_addr_from_v4(GUEST_GATEWAY),
        .service = {
            .dhcp = true,
            .address = ip_addr_from_v4(GUEST_ADDRESS),
            .prefix_length = 32,
            .lease_seconds = 3600,
            .n_dns = 1,
            .dns = { ip_addr_from_v4(0x09090909) },
        },
    };

    return vif;
}

/* A frame to the guest and nobody else, or to all: @return where its payload begins. */
static inline size_t
check_link(const struct vif *vif, const struct frame *frame)
{
    const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    const size_t at = vif->vlan == VLAN_UNTAGGED ? 14 : 18;

    if (frame->length < at || frame->length > sizeof(frame->octets))
        abort();
    if (memcmp(frame->octets, &vif->mac, 6) != 0 && memcmp(frame->octets, all, 6) != 0)
        abort();
    if (memcmp(frame->octets + 6, &vif->gateway_mac, 6) != 0)
        abort();
    return at;
}
