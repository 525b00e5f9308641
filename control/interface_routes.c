/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What an interface means to the rest: its place in the tables, its local routes, and what is
 * announced of it. Local routes are for traffic from the network (downstream); upstream an address
 * of ours appears only once a route server has announced it back (C6, C39).
 */

#include "control/interfaces_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "lib/base/log.h"

static uint32_t
prefix_hash(const struct vrf *vrf, const struct ip_prefix *prefix)
{
    struct {
        uint32_t vrf;
        uint8_t octets[16];
        uint8_t family, length;
    } key;

    memset(&key, 0, sizeof(key));
    key.vrf = vrf->number;
    memcpy(key.octets, prefix->addr.octets, sizeof(key.octets));
    key.family = prefix->addr.family;
    key.length = prefix->length;
    return hmap_hash(&key, sizeof(key));
}

static struct record *
prefix_owner(const struct interfaces *interfaces, const struct vrf *vrf,
             const struct ip_prefix *prefix)
{
    struct hmap_node *node = hmap_first_same(&interfaces->by_prefix, prefix_hash(vrf, prefix));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct owned_prefix *owned = hmap_entry(node, struct owned_prefix, node);
        if (owned->record->shown.vrf == vrf && ip_prefix_equal(&owned->prefix, prefix))
            return owned->record;
    }
    return NULL;
}

const struct interface *
interface_of_prefix(const struct interfaces *interfaces, const struct vrf *vrf,
                    const struct ip_prefix *prefix)
{
    struct record *owner = prefix_owner(interfaces, vrf, prefix);

    return owner == NULL ? NULL : &owner->shown;
}

static int
record_own(struct record *record, const struct ip_prefix *prefix, const char *field,
           struct config_error *error)
{
    struct interfaces *interfaces = record->interfaces;
    struct vrf *vrf = record->shown.vrf;
    struct record *owner = prefix_owner(interfaces, vrf, prefix);
    struct owned_prefix *owned = &record->owned[record->n_owned];
    char text[IP_PREFIX_TEXT_MAX];

    snprintf(error->field, sizeof(error->field), "%s", field);
    if (owner != NULL) {
        snprintf(error->text, sizeof(error->text), "%s is that of interface %s already",
                 ip_prefix_format(prefix, text), owner->shown.config.name);
        return -EEXIST;
    }
    if (vrf_gateway_covers(vrf, prefix) || (prefix->length == ip_family_bits(prefix->addr.family) &&
                                            ip_addr_equal(&prefix->addr, &record->shown.gateway))) {
        snprintf(error->text, sizeof(error->text), "%s is the first-hop router's address",
                 ip_prefix_format(prefix, text));
        return -EEXIST;
    }
    owned->record = record;
    owned->prefix = *prefix;
    if (hmap_add(&interfaces->by_prefix, &owned->node, prefix_hash(vrf, prefix)) < 0) {
        snprintf(error->text, sizeof(error->text), "out of memory");
        return -ENOMEM;
    }
    record->n_owned++;
    return 0;
}

int
record_own_prefixes(struct record *record, struct config_error *error)
{
    const struct vif_config *config = &record->shown.config;
    struct ip_prefix gateway = ip_prefix_of_host(&record->shown.gateway);
    int status = 0;

    if (prefix_owner(record->interfaces, record->shown.vrf, &gateway) != NULL) {
        snprintf(error->field, sizeof(error->field), "gateway");
        snprintf(error->text, sizeof(error->text), "it is an interface's address");
        return -EEXIST;
    }
    for (unsigned i = 0; status == 0 && i < config->n_addresses; i++) {
        struct ip_prefix host = ip_prefix_of_host(&config->addresses[i].addr);
        status = record_own(record, &host, "addresses", error);
    }
    for (unsigned i = 0; status == 0 && i < config->n_prefixes; i++)
        status = record_own(record, &config->prefixes[i], "prefixes", error);
    if (status < 0)
        record_disown_prefixes(record);
    return status;
}

void
record_disown_prefixes(struct record *record)
{
    while (record->n_owned > 0)
        hmap_remove(&record->interfaces->by_prefix, &record->owned[--record->n_owned].node);
}

static void
source_add(struct vif *vif, const struct ip_prefix *prefix)
{
    if (prefix->addr.family == IP_V4) {
        vif->sources[vif->n_sources++] =
            (struct vif_source){ ip_addr_to_v4(&prefix->addr), ip_v4_mask(prefix->length) };
        return;
    }

    struct vif_source6 *source = &vif->sources6[vif->n_sources6++];

    memcpy(source->network, prefix->addr.octets, sizeof(source->network));
    source->length = prefix->length;
}

/* What the guest is told: the first IPv4 address by DHCP, and that IPv6 addresses are its own. */
static void
service_fill(const struct vif_config *config, struct vif_service *service)
{
    for (unsigned i = 0; i < config->n_addresses; i++) {
        const struct vif_address *address = &config->addresses[i];
        if (address->addr.family == IP_V6) {
            service->addresses6[service->n_addresses6++] = address->addr;
        } else if (service->address.family == IP_NONE) {
            service->address = address->addr;
            service->prefix_length = address->length;
        }
    }
    service->dhcp = config->dhcp && service->address.family == IP_V4;
    service->router_advertisement = config->router_advertisement && service->n_addresses6 > 0;
    service->lease_seconds = config->lease_seconds;
    service->n_dns = config->n_dns;
    memcpy(service->dns, config->dns, sizeof(service->dns));
}

static uint16_t
mss_of(const struct interface *shown)
{
    return shown->config.mss_clamp == MSS_CLAMP_AUTO ? shown->mtu - TCP_IPV4_OCTETS
                                                     : shown->config.mss_clamp;
}

/* The interface as the workers and the slow path see it. */
static void
vif_fill(const struct record *record, bool up, struct vif *vif)
{
    const struct interface *shown = &record->shown;
    const struct vif_config *config = &shown->config;

    memset(vif, 0, sizeof(*vif));
    vif->id = shown->id;
    vif->vrf = shown->vrf->number;
    vif->port = access_port_port(record->access)->number;
    vif->vlan = config->vlan;
    vif->mtu = shown->mtu;
    vif->up = up;
    vif->mss = mss_of(shown);
    vif->mac = config->mac;
    vif->gateway_mac = MAC_VIRTUAL_ROUTER;
    vif->gateway_mac6 = MAC_VIRTUAL_ROUTER_V6;
    vif->rate_in = config->rate_in;
    vif->rate_out = config->rate_out;
    vif->gateway = shown->gateway;
    vif->gateway6 = shown->gateway6;
    for (unsigned i = 0; i < record->n_owned; i++)
        source_add(vif, &record->owned[i].prefix);
    service_fill(config, &vif->service);
    snprintf(vif->name, sizeof(vif->name), "%s", config->name);
}

/* Takes the first `n` local routes away again. */
static void
downstream_unset(struct record *record, unsigned n)
{
    uint32_t root = vrf_downstream_root(record->shown.vrf->number);

    while (n > 0)
        fib_unset(record->interfaces->control->tables->fib, root, &record->owned[--n].prefix);
}

static int
downstream_set(struct record *record)
{
    uint32_t root = vrf_downstream_root(record->shown.vrf->number);
    path_t path = path_make(PATH_VIF, record->shown.id, 0);

    for (unsigned i = 0; i < record->n_owned; i++) {
        int error =
            fib_set(record->interfaces->control->tables->fib, root, &record->owned[i].prefix, path);
        if (error < 0) {
            downstream_unset(record, i);
            return error;
        }
    }
    return 0;
}

int
record_install(struct record *record)
{
    struct control *control = record->interfaces->control;
    struct interface *shown = &record->shown;
    struct vif vif;
    uint32_t id;
    int error;

    vif_fill(record, false, &vif);
    error = vif_add(&control->tables->vifs, &vif, &id);
    if (error < 0)
        return error;
    shown->id = id;
    counters_vif_baseline(control->counters, id);
    error = vrf_gateway_add(control->vrfs, shown->vrf, &shown->gateway);
    if (error < 0)
        goto no_gateway;
    error = downstream_set(record);
    if (error < 0)
        goto no_routes;
    if (record->label_is_own)
        label_set(&control->tables->labels, shown->label, path_make(PATH_VIF, id, 0));
    if (record->interfaces->events.labels_changed != NULL)
        record->interfaces->events.labels_changed(record->interfaces->context);
    return 0;

no_routes:
    vrf_gateway_remove(control->vrfs, shown->vrf, &shown->gateway);
no_gateway:
    vif_remove(&control->tables->vifs, id);
    shown->id = VIF_NONE;
    return error;
}

void
record_uninstall(struct record *record)
{
    struct control *control = record->interfaces->control;
    struct interface *shown = &record->shown;
    uint32_t id = shown->id;

    if (id == VIF_NONE)
        return;
    shown->id = VIF_NONE;
    if (record->label_is_own)
        label_set(&control->tables->labels, shown->label, PATH_NONE);
    downstream_unset(record, record->n_owned);
    if (record->interfaces->events.labels_changed != NULL)
        record->interfaces->events.labels_changed(record->interfaces->context);
    vrf_gateway_remove(control->vrfs, shown->vrf, &shown->gateway);
    vif_remove(&control->tables->vifs, id);
}

static void
record_publish(struct record *record)
{
    const struct interfaces *interfaces = record->interfaces;
    const struct config *config = interfaces->control->config;
    struct route route = {
        .local_preference = record->shown.config.local_preference,
        .sequence_number = record->shown.sequence_number,
        .n_next_hops = 1,
        .next_hops = { { config->underlay.next_hop, record->shown.label,
                         config_encapsulations(config) } },
    };

    record->published = true;
    for (unsigned i = 0; interfaces->events.publish != NULL && i < record->n_owned; i++) {
        route.prefix = record->owned[i].prefix;
        interfaces->events.publish(interfaces->context, record->shown.vrf, &route);
    }
}

void
record_retract(struct record *record)
{
    const struct interfaces *interfaces = record->interfaces;

    if (!record->published)
        return;
    record->published = false;
    for (unsigned i = 0; interfaces->events.retract != NULL && i < record->n_owned; i++)
        interfaces->events.retract(interfaces->context, record->shown.vrf,
                                   &record->owned[i].prefix);
}

int
record_replace(struct record *record, bool up)
{
    struct vif vif;

    vif_fill(record, up, &vif);
    return vif_replace(&record->interfaces->control->tables->vifs, record->shown.id, &vif);
}

void
record_settle(struct record *record)
{
    bool up = record->shown.config.up && access_port_is_up(record->access);
    int error;

    if (up == (record->shown.state == INTERFACE_UP))
        return;
    if (!up)
        record_retract(record);
    error = record_replace(record, up);
    if (error < 0) {
        log_error("%s: %s: tried again", record->shown.config.name, strerror(-error));
        return;
    }
    record->shown.state = up ? INTERFACE_UP : INTERFACE_DOWN;
    log_info("%s: %s", record->shown.config.name, up ? "up" : "down");
    if (up)
        record_publish(record);
}
