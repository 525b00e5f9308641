/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The VPNs of this host and their VRFs. A VRF exists while its VPN is configured or has an
 * interface; its number gives its FIB roots (lib/table/vrf.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/config.h"
#include "lib/net/addr.h"

struct control;
struct vrfs;

#define VRF_GATEWAYS_MAX 16

struct vrf {
    char name[VPN_NAME_MAX + 1];
    uint32_t number;
    const struct vpn_config *config; /* NULL: known by its interfaces only */
    enum label_mode label_mode;
    uint32_t label;         /* the VRF's own label, 0 if it has none */
    struct ip_addr gateway; /* of interfaces that name no other */
    struct ip_addr gateway6;
    unsigned n_vifs;

    /* addresses that the slow path answers for, with the number of interfaces that use them */
    unsigned n_gateways;
    struct ip_addr gateways[VRF_GATEWAYS_MAX];
    unsigned gateway_users[VRF_GATEWAYS_MAX];
};

/** Makes the VRFs of the configured VPNs. @return 0 or a negative errno with a text. */
int vrfs_create(struct control *control, struct vrfs **vrfs, struct config_error *error);
void vrfs_destroy(struct vrfs *vrfs);

/** The VRF of a VPN, by name or number, or NULL. */
struct vrf *vrf_find(const struct vrfs *vrfs, const char *name);
struct vrf *vrf_at(const struct vrfs *vrfs, uint32_t number);

/** The first VRF by name, and the one behind `name` (which need not exist); NULL at the end. */
struct vrf *vrf_after(const struct vrfs *vrfs, const char *name);

/**
 * The VRF of an interface to come: found or made, with one interface more.
 * @return 0, -ENOSPC, -ENOMEM, or what labels_take() says.
 */
int vrf_get(struct vrfs *vrfs, const char *name, struct vrf **vrf);

/** One interface less; the VRF goes with the last one unless it is configured. By then no route of
 * servers may be in its roots. */
void vrf_put(struct vrfs *vrfs, struct vrf *vrf);

/**
 * Has the slow path answer for a first-hop router's address in the VRF, or no longer.
 * @return 0, -ENOSPC (too many different ones), or what fib_set() says.
 */
int vrf_gateway_add(struct vrfs *vrfs, struct vrf *vrf, const struct ip_addr *gateway);
void vrf_gateway_remove(struct vrfs *vrfs, struct vrf *vrf, const struct ip_addr *gateway);

/** True if the prefix is the host route of a first-hop router's address: no other route may take
 * its place in the VRF's roots. */
bool vrf_gateway_covers(const struct vrf *vrf, const struct ip_prefix *prefix);
