/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * VPNs and their VRFs: made from the configuration or with their first interface, found by name and
 * by number; their own labels, and the first-hop router's addresses as routes.
 */

#define LOG_AREA "vrf"

#include "control/vrfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/forwarding.h"
#include "control/routing.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define GATEWAY_DEFAULT 0xa9fe0001 /* 169.254.0.1, the same in a deployment (C12) */
#define OWNER_PREFIX    "vpn:"

/* fe80::1, likewise */
static const struct ip_addr gateway6_default = { IP_V6, { [0] = 0xfe, [1] = 0x80, [15] = 1 } };

struct vrfs {
    struct control *control;
    struct vrf **by_name;   /* in the order of their names */
    struct vrf **by_number; /* room for limits.vrfs in both */
    uint32_t n;
};

static const char *
label_owner(const struct vrf *vrf, char owner[sizeof(OWNER_PREFIX) + VPN_NAME_MAX])
{
    snprintf(owner, sizeof(OWNER_PREFIX) + VPN_NAME_MAX, OWNER_PREFIX "%s", vrf->name);
    return owner;
}

/* Where a name stands, or would stand. */
static uint32_t
name_place(const struct vrfs *vrfs, const char *name)
{
    uint32_t low = 0, high = vrfs->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(vrfs->by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vrf *
vrf_find(const struct vrfs *vrfs, const char *name)
{
    uint32_t i = name_place(vrfs, name);

    return i < vrfs->n && strcmp(vrfs->by_name[i]->name, name) == 0 ? vrfs->by_name[i] : NULL;
}

struct vrf *
vrf_at(const struct vrfs *vrfs, uint32_t number)
{
    return number < vrfs->control->tables->limits.vrfs ? vrfs->by_number[number] : NULL;
}

struct vrf *
vrf_after(const struct vrfs *vrfs, const char *name)
{
    uint32_t i = name_place(vrfs, name);

    if (i < vrfs->n && strcmp(vrfs->by_name[i]->name, name) == 0)
        i++;
    return i < vrfs->n ? vrfs->by_name[i] : NULL;
}

/* There is room: the table of VRFs gave the number. */
static void
vrf_insert(struct vrfs *vrfs, struct vrf *vrf)
{
    uint32_t i = name_place(vrfs, vrf->name);

    memmove(&vrfs->by_name[i + 1], &vrfs->by_name[i], (vrfs->n - i) * sizeof(struct vrf *));
    vrfs->by_name[i] = vrf;
    vrfs->by_number[vrf->number] = vrf;
    vrfs->n++;
}

static void
vrf_extract(struct vrfs *vrfs, struct vrf *vrf)
{
    uint32_t i = name_place(vrfs, vrf->name);

    vrfs->n--;
    memmove(&vrfs->by_name[i], &vrfs->by_name[i + 1], (vrfs->n - i) * sizeof(struct vrf *));
    vrfs->by_number[vrf->number] = NULL;
}

/* Gives the VRF its own label if its mode wants one, and has the state directory know of it. */
static int
label_begin(struct vrfs *vrfs, struct vrf *vrf)
{
    struct control *control = vrfs->control;
    char owner[sizeof(OWNER_PREFIX) + VPN_NAME_MAX];

    if (vrf->label_mode == LABEL_MODE_INTERFACE)
        return 0;
    int error = labels_take(control->labels, label_owner(vrf, owner), vrf->config->label,
                            clock_unix_seconds(), &vrf->label);
    if (error != 0)
        return error;
    uint32_t root = vrf->label_mode == LABEL_MODE_VRF ? vrf_downstream_root(vrf->number)
                                                      : vrf_upstream_root(vrf->number);
    label_set(&control->tables->labels, vrf->label, path_make(PATH_VRF, root, 0));
    return state_write(control->state, LABELS_STATE, LABELS_STATE_VERSION, labels_to_json,
                       control->labels, NULL, NULL);
}

static void
label_end(struct vrfs *vrfs, struct vrf *vrf)
{
    char owner[sizeof(OWNER_PREFIX) + VPN_NAME_MAX];

    if (vrf->label == 0)
        return;
    label_set(&vrfs->control->tables->labels, vrf->label, PATH_NONE);
    labels_release(vrfs->control->labels, label_owner(vrf, owner), clock_unix_seconds());
}

/* The addresses that ICMP errors through the VRF come from are the virtual router's as long as the
 * VRF is there: guests can ask them, and what comes from another vRouter's is known to. */
static int
routers_begin(struct vrfs *vrfs, struct vrf *vrf)
{
    const struct ip_addr beyond = IP_VIRTUAL_ROUTER_V6;
    const int error = vrf_gateway_add(vrfs, vrf, &vrf->gateway);

    return error != 0 ? error : vrf_gateway_add(vrfs, vrf, &beyond);
}

static int
vrf_make(struct vrfs *vrfs, const char *name, const struct vpn_config *config, struct vrf **made)
{
    struct control *control = vrfs->control;
    struct vrf *vrf = calloc(1, sizeof(*vrf));
    int error;

    if (vrf == NULL)
        return -ENOMEM;
    snprintf(vrf->name, sizeof(vrf->name), "%s", name);
    vrf->config = config;
    vrf->gateway = config != NULL && config->gateway.family != IP_NONE
                       ? config->gateway
                       : ip_addr_from_v4(GATEWAY_DEFAULT);
    vrf->gateway6 =
        config != NULL && config->gateway6.family != IP_NONE ? config->gateway6 : gateway6_default;
    vrf->label_mode = config != NULL ? config->label_mode : LABEL_MODE_INTERFACE;
    error = vrf_add(&control->tables->vrfs, ip_addr_to_v4(&vrf->gateway), &vrf->number);
    if (error != 0)
        goto free_vrf;
    counters_vrf_baseline(control->counters, vrf->number);
    error = label_begin(vrfs, vrf);
    if (error != 0)
        goto end_label;
    error = routers_begin(vrfs, vrf);
    if (error != 0)
        goto clear_routes;
    vrf_insert(vrfs, vrf);
    *made = vrf;
    return 0;

clear_routes:
    fib_clear(control->tables->fib, vrf_upstream_root(vrf->number));
end_label:
    label_end(vrfs, vrf);
    vrf_remove(&control->tables->vrfs, vrf->number);
free_vrf:
    free(vrf);
    return error;
}

static void
vrf_unmake(struct vrfs *vrfs, struct vrf *vrf)
{
    struct tables *tables = vrfs->control->tables;

    label_end(vrfs, vrf);
    fib_clear(tables->fib, vrf_upstream_root(vrf->number));
    fib_clear(tables->fib, vrf_downstream_root(vrf->number));
    vrf_extract(vrfs, vrf);
    vrf_remove(&tables->vrfs, vrf->number);
    free(vrf);
}

int
vrfs_create(struct control *control, struct vrfs **made, struct config_error *error)
{
    const struct config *config = control->config;
    struct vrfs *vrfs = calloc(1, sizeof(*vrfs));

    if (vrfs == NULL)
        return -ENOMEM;
    vrfs->control = control;
    vrfs->by_name = calloc(control->tables->limits.vrfs, sizeof(struct vrf *));
    vrfs->by_number = calloc(control->tables->limits.vrfs, sizeof(struct vrf *));
    if (vrfs->by_name == NULL || vrfs->by_number == NULL) {
        vrfs_destroy(vrfs);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < config->n_vpns; i++) {
        struct vrf *vrf;
        int failed = vrf_make(vrfs, config->vpns[i].name, &config->vpns[i], &vrf);
        if (failed != 0) {
            snprintf(error->field, sizeof(error->field), "vpn");
            snprintf(error->text, sizeof(error->text), "%.128s: %s", config->vpns[i].name,
                     failed == -EBUSY ? "its label belongs to somebody else, or still rests"
                                      : strerror(-failed));
            vrfs_destroy(vrfs);
            return failed;
        }
    }
    *made = vrfs;
    return 0;
}

void
vrfs_destroy(struct vrfs *vrfs)
{
    for (uint32_t i = 0; i < vrfs->n; i++)
        free(vrfs->by_name[i]);
    free(vrfs->by_name);
    free(vrfs->by_number);
    free(vrfs);
}

int
vrf_get(struct vrfs *vrfs, const char *name, struct vrf **found)
{
    struct vrf *vrf = vrf_find(vrfs, name);

    if (vrf == NULL) {
        int error = vrf_make(vrfs, name, NULL, &vrf);
        if (error != 0)
            return error;
        log_info("%s: known by its interfaces only: no instance-id, the default gateway", name);
    }
    vrf->n_vifs++;
    *found = vrf;
    return 0;
}

void
vrf_put(struct vrfs *vrfs, struct vrf *vrf)
{
    if (--vrf->n_vifs == 0 && vrf->config == NULL)
        vrf_unmake(vrfs, vrf);
}

/* The slot of a gateway's address, or that behind the last one. */
static unsigned
gateway_slot(const struct vrf *vrf, const struct ip_addr *gateway)
{
    unsigned slot = 0;

    while (slot < vrf->n_gateways && !ip_addr_equal(&vrf->gateways[slot], gateway))
        slot++;
    return slot;
}

int
vrf_gateway_add(struct vrfs *vrfs, struct vrf *vrf, const struct ip_addr *gateway)
{
    unsigned slot = gateway_slot(vrf, gateway);
    struct ip_prefix host = ip_prefix_of_host(gateway);

    if (slot == VRF_GATEWAYS_MAX)
        return -ENOSPC;
    if (slot == vrf->n_gateways) {
        if (vrfs->control->routing != NULL) /* what a server announced for it goes first */
            forwarding_unset(routing_forwarding(vrfs->control->routing), vrf->number, &host);
        int error = fib_set(vrfs->control->tables->fib, vrf_upstream_root(vrf->number), &host,
                            path_make(PATH_GATEWAY, 0, 0));
        if (error != 0)
            return error;
        vrf->gateways[vrf->n_gateways] = *gateway;
        vrf->gateway_users[vrf->n_gateways++] = 0;
    }
    vrf->gateway_users[slot]++;
    return 0;
}

void
vrf_gateway_remove(struct vrfs *vrfs, struct vrf *vrf, const struct ip_addr *gateway)
{
    unsigned slot = gateway_slot(vrf, gateway);
    struct ip_prefix host = ip_prefix_of_host(gateway);

    if (slot == vrf->n_gateways || --vrf->gateway_users[slot] > 0)
        return;
    fib_unset(vrfs->control->tables->fib, vrf_upstream_root(vrf->number), &host);
    vrf->n_gateways--;
    vrf->gateways[slot] = vrf->gateways[vrf->n_gateways];
    vrf->gateway_users[slot] = vrf->gateway_users[vrf->n_gateways];
}

bool
vrf_gateway_covers(const struct vrf *vrf, const struct ip_prefix *prefix)
{
    return prefix->length == ip_family_bits(prefix->addr.family) &&
           gateway_slot(vrf, &prefix->addr) < vrf->n_gateways;
}
