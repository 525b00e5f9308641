/* SPDX-License-Identifier: BSD-3-Clause */

/* Scenarios from JSON: see scenario.h. What is wrong in one is a fault of the test, told by name.
 */

#include "tests/packet/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "lib/net/encapsulation.h"

static const struct table_limits default_limits = {
    .vifs = 64,
    .vrfs = 16,
    .routes = 4096,
    .fib_nodes = 16384,
    .endpoints = 64,
    .ecmp_sets = 16,
    .neighbours = 64,
};

/* 169.254.0.1: the virtual router's address in every VRF */
#define VRF_GATEWAY 0xa9fe0001

static char fault[512];

static const char *
wrong(const char *what, const char *value)
{
    snprintf(fault, sizeof(fault), "%s: %s", what, value == NULL ? "missing" : value);
    return fault;
}

static const char *
text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static unsigned
number_of(json_t *object, const char *key, unsigned otherwise)
{
    json_t *value = json_object_get(object, key);

    return value == NULL ? otherwise : (unsigned)json_integer_value(value);
}

static bool
named_add(struct named *named, const char *name, uint32_t number)
{
    if (name == NULL || named->n == SCENARIO_NAMED_MAX)
        return false;
    named->entries[named->n].name = name;
    named->entries[named->n].number = number;
    named->n++;
    return true;
}

static bool
named_find(const struct named *named, const char *name, uint32_t *number)
{
    for (unsigned i = 0; name != NULL && i < named->n; i++) {
        if (strcmp(named->entries[i].name, name) == 0) {
            *number = named->entries[i].number;
            return true;
        }
    }
    return false;
}

static bool
address_of(json_t *object, const char *key, const char *otherwise, struct ip_addr *address)
{
    const char *text = text_of(object, key);

    return ip_addr_parse(text == NULL ? otherwise : text, address) == 0;
}

/* {"vif": NAME} {"endpoint": NAME, "label": N} {"vrf": NAME, "root": WHICH} {"gateway": true}
 * {"ecmp": [PATH...]} */
static bool
path_of(struct scenario *scenario, json_t *object, path_t *path)
{
    uint32_t number;

    if (named_find(&scenario->vifs, text_of(object, "vif"), &number)) {
        *path = path_make(PATH_VIF, number, 0);
    } else if (named_find(&scenario->endpoints, text_of(object, "endpoint"), &number)) {
        *path = path_make(PATH_TUNNEL, number, number_of(object, "label", 0));
    } else if (named_find(&scenario->vrfs, text_of(object, "vrf"), &number)) {
        const char *root = text_of(object, "root");
        const bool upstream = root != NULL && strcmp(root, "upstream") == 0;

        *path = path_make(PATH_VRF,
                          upstream ? vrf_upstream_root(number) : vrf_downstream_root(number), 0);
    } else if (json_is_true(json_object_get(object, "gateway"))) {
        *path = path_make(PATH_GATEWAY, 0, 0);
    } else if (json_is_array(json_object_get(object, "ecmp"))) {
        path_t members[ECMP_MEMBERS_MAX];
        json_t *member;
        size_t n;

        json_array_foreach(json_object_get(object, "ecmp"), n, member)
        {
            if (n == ECMP_MEMBERS_MAX || !path_of(scenario, member, &members[n]))
                return false;
        }
        return ecmp_add(&scenario->tables->ecmp, members, (unsigned)n, path) == 0;
    } else {
        return false;
    }
    return true;
}

static enum port_role
role_of(const char *name)
{
    if (name != NULL && strcmp(name, "underlay") == 0)
        return PORT_UNDERLAY;
    return name != NULL && strcmp(name, "host") == 0 ? PORT_HOST : PORT_ACCESS;
}

static const char *
add_port(struct scenario *scenario, json_t *object, struct rte_mempool *pool)
{
    const char *mac = text_of(object, "mac");
    struct port *port;
    char error[256];

    if (port_open(text_of(object, "spec"), role_of(text_of(object, "role")),
                  (uint16_t)number_of(object, "mtu", 0), number_of(object, "queues", 1), pool,
                  &port, error, sizeof(error)) != 0)
        return wrong("port", error);
    if (port_publish(scenario->port_table, port) != 0) {
        port_close(port);
        return wrong("port", "not published");
    }
    scenario->ports[scenario->port_names.n] = port;
    if (!named_add(&scenario->port_names, text_of(object, "name"), port->number))
        return wrong("port name", NULL);
    if (mac != NULL && mac_parse(mac, &port->mac) != 0)
        return wrong("port mac", mac);
    return NULL;
}

/* {"address": ADDRESS, "prefix_length": N, "lease": SECONDS, "dns": [ADDRESS...]} */
static bool
service_of(json_t *object, struct vif_service *service)
{
    json_t *dns;
    size_t i;

    if (object == NULL)
        return true;
    service->dhcp = true;
    service->prefix_length = (uint8_t)number_of(object, "prefix_length", 32);
    service->lease_seconds = number_of(object, "lease", 3600);
    json_array_foreach(json_object_get(object, "dns"), i, dns)
    {
        if (i == VIF_DNS_MAX || ip_addr_parse(json_string_value(dns), &service->dns[i]) != 0)
            return false;
        service->n_dns++;
    }
    return address_of(object, "address", "", &service->address);
}

/* {"packets": N, "bits": N}, a second */
static struct vif_rate
rate_of(json_t *object)
{
    return (struct vif_rate){
        .packets = number_of(object, "packets", 0),
        .bits = number_of(object, "bits", 0),
    };
}

/* "addresses6": [ADDRESS...], "router_advertisement": true */
static bool
service6_of(json_t *object, struct vif_service *service)
{
    json_t *address;
    size_t i;

    service->router_advertisement = json_is_true(json_object_get(object, "router_advertisement"));
    json_array_foreach(json_object_get(object, "addresses6"), i, address)
    {
        if (i == VIF_SOURCES_MAX ||
            ip_addr_parse(json_string_value(address), &service->addresses6[i]) != 0)
            return false;
        service->n_addresses6++;
    }
    return true;
}

static const char *
add_vif(struct scenario *scenario, json_t *object)
{
    const char *name = text_of(object, "name");
    struct vif vif = {
        .vlan = (uint16_t)number_of(object, "vlan", VLAN_UNTAGGED),
        .mtu = (uint16_t)number_of(object, "mtu", 1500),
        .mss = (uint16_t)number_of(object, "mss", 0),
        .up = number_of(object, "up", 1) != 0,
        .gateway_mac = MAC_VIRTUAL_ROUTER,
        .gateway_mac6 = MAC_VIRTUAL_ROUTER_V6,
        .rate_in = rate_of(json_object_get(object, "rate_in")),
        .rate_out = rate_of(json_object_get(object, "rate_out")),
    };
    uint32_t port, id;
    json_t *source;
    size_t i;

    if (!named_find(&scenario->vrfs, text_of(object, "vrf"), &vif.vrf) ||
        !named_find(&scenario->port_names, text_of(object, "port"), &port))
        return wrong("vif's vrf or port", name);
    if (!address_of(object, "gateway", "169.254.0.1", &vif.gateway) ||
        !address_of(object, "gateway6", "fe80::1", &vif.gateway6))
        return wrong("vif's gateway", name);
    if (!service_of(json_object_get(object, "dhcp"), &vif.service))
        return wrong("vif's dhcp", name);
    if (!service6_of(object, &vif.service))
        return wrong("vif's addresses6", name);
    vif.port = (uint16_t)port;
    snprintf(vif.name, sizeof(vif.name), "%s", name == NULL ? "" : name);
    if (text_of(object, "mac") == NULL || mac_parse(text_of(object, "mac"), &vif.mac) != 0)
        return wrong("vif's mac", name);
    json_array_foreach(json_object_get(object, "sources"), i, source)
    {
        struct ip_prefix prefix;

        if (i == VIF_SOURCES_MAX || ip_prefix_parse(json_string_value(source), &prefix) != 0)
            return wrong("vif's sources", name);
        if (prefix.addr.family == IP_V6) {
            struct vif_source6 *source6 = &vif.sources6[vif.n_sources6++];

            memcpy(source6->network, prefix.addr.octets, sizeof(source6->network));
            source6->length = prefix.length;
            continue;
        }
        vif.sources[vif.n_sources++] = (struct vif_source){
            .network = ip_addr_to_v4(&prefix.addr),
            .mask = ip_v4_mask(prefix.length),
        };
    }
    if (name == NULL || vif_add(&scenario->tables->vifs, &vif, &id) != 0 ||
        !named_add(&scenario->vifs, name, id))
        return wrong("vif", name);
    return NULL;
}

static const char *
add_endpoint(struct scenario *scenario, json_t *object)
{
    const char *name = text_of(object, "name"), *mac_text = text_of(object, "mac");
    const char *encapsulation = text_of(object, "encapsulation");
    struct tables *tables = scenario->tables;
    struct endpoint endpoint = { 0 };
    struct ip_addr address;
    struct mac_addr mac;
    uint32_t port, index;

    if (!address_of(object, "address", "", &address) || encapsulation == NULL ||
        !named_find(&scenario->port_names, text_of(object, "port"), &port))
        return wrong("endpoint", name);
    endpoint.port = (uint16_t)port;
    endpoint_header_build(&endpoint, &scenario->underlay,
                          &port_at(scenario->port_table, endpoint.port)->mac, &address,
                          (enum encapsulation)encapsulation_parse(encapsulation));
    endpoint.mtu = (uint16_t)number_of(object, "mtu", endpoint.mtu);
    if (adjacency_get(&tables->adjacencies, endpoint.port, &address, &endpoint.adjacency) != 0)
        return wrong("adjacency", name);
    if (mac_text != NULL && mac_parse(mac_text, &mac) == 0)
        atomic_store(&tables->adjacencies.entries[endpoint.adjacency].link, adjacency_link(&mac));
    if (endpoint_add(&tables->endpoints, &endpoint, &index) != 0 ||
        !named_add(&scenario->endpoints, name, index))
        return wrong("endpoint", name);
    return NULL;
}

static const char *
add_route(struct scenario *scenario, json_t *object)
{
    const char *prefix_text = text_of(object, "prefix"), *root = text_of(object, "root");
    struct ip_prefix prefix;
    uint32_t vrf;
    path_t path;

    if (prefix_text == NULL || ip_prefix_parse(prefix_text, &prefix) != 0 ||
        !named_find(&scenario->vrfs, text_of(object, "vrf"), &vrf) ||
        !path_of(scenario, json_object_get(object, "path"), &path))
        return wrong("route", prefix_text);
    if (fib_set(scenario->tables->fib,
                root != NULL && strcmp(root, "downstream") == 0 ? vrf_downstream_root(vrf)
                                                                : vrf_upstream_root(vrf),
                &prefix, path) != 0)
        return wrong("route", prefix_text);
    return NULL;
}

/* "PREFIX": an outer source that is allowed. */
static const char *
add_source(struct scenario *scenario, json_t *object)
{
    struct ip_prefix prefix;

    if (ip_prefix_parse(json_string_value(object), &prefix) != 0 ||
        fib_set(scenario->tables->fib, tables_sources_root(&scenario->tables->limits), &prefix,
                path_make(PATH_GATEWAY, 0, 0)) != 0)
        return wrong("allowed source", json_string_value(object));
    return NULL;
}

static const char *
add_label(struct scenario *scenario, json_t *object)
{
    const unsigned label = number_of(object, "label", LABEL_SPACE);
    path_t path;

    if (label >= LABEL_SPACE || !path_of(scenario, json_object_get(object, "path"), &path))
        return wrong("label", "no such label or path");
    label_set(&scenario->tables->labels, label, path);
    return NULL;
}

static const char *
add_vrf(struct scenario *scenario, json_t *object)
{
    uint32_t number;

    if (vrf_add(&scenario->tables->vrfs, VRF_GATEWAY, &number) != 0 ||
        !named_add(&scenario->vrfs, json_string_value(object), number))
        return wrong("vrf", json_string_value(object));
    return NULL;
}

/* {"underlay_address": IPV4 or "", "underlay_address6": IPV6, "underlay_vlan": TAG, "underlay_mtu":
 * N, "check_sources": BOOL, "check_reverse_path": BOOL, "dscp": "pipe" | "uniform", "dscp_value":
 * N}
 */
static const char *
underlay_of(json_t *object, struct underlay *underlay)
{
    const char *v4 = text_of(object, "underlay_address");

    if ((v4 == NULL || v4[0] != '\0') &&
        !address_of(object, "underlay_address", "192.0.2.11", &underlay->v4))
        return wrong("underlay_address", v4);
    if (text_of(object, "underlay_address6") != NULL &&
        !address_of(object, "underlay_address6", "", &underlay->v6))
        return wrong("underlay_address6", text_of(object, "underlay_address6"));
    underlay->check_sources = json_is_true(json_object_get(object, "check_sources"));
    underlay->check_reverse_path = json_is_true(json_object_get(object, "check_reverse_path"));
    underlay->dscp = (uint8_t)number_of(object, "dscp_value", 0);
    underlay->dscp_model =
        strcmp(json_is_string(json_object_get(object, "dscp")) ? text_of(object, "dscp") : "pipe",
               "uniform") == 0
            ? DSCP_UNIFORM
            : DSCP_PIPE;
    underlay->vlan = (uint16_t)number_of(object, "underlay_vlan", VLAN_UNTAGGED);
    underlay->mtu = (uint16_t)number_of(object, "underlay_mtu", 1500);
    return NULL;
}

/* {"vifs": N, "vrfs": N, "routes": N, "fib_nodes": N, "endpoints": N} */
static struct table_limits
limits_of(json_t *object)
{
    struct table_limits limits = default_limits;

    limits.vifs = number_of(object, "vifs", limits.vifs);
    limits.vrfs = number_of(object, "vrfs", limits.vrfs);
    limits.routes = number_of(object, "routes", limits.routes);
    limits.fib_nodes = number_of(object, "fib_nodes", limits.fib_nodes);
    limits.endpoints = number_of(object, "endpoints", limits.endpoints);
    return limits;
}

static const char *
make_threads(struct scenario *scenario, json_t *object, struct rte_mempool *pool)
{
    const struct table_limits limits = limits_of(json_object_get(object, "limits"));
    const struct counters_shape shape = {
        .threads = scenario->n_workers + 1,
        .vifs = limits.vifs,
        .vrfs = limits.vrfs,
        .endpoints = limits.endpoints,
        .ports = PORTS_MAX,
    };

    scenario->tables = tables_create(&limits, scenario->n_workers + 1, PORTS_MAX);
    scenario->rings = rings_create(scenario->n_workers, limits.vifs);
    scenario->counters = counters_create(&shape);
    if (scenario->tables == NULL || scenario->rings == NULL || scenario->counters == NULL)
        return wrong("tables", "no memory");
    scenario->port_table = port_table_create(scenario->n_workers, scenario->tables->reclaim);
    if (scenario->port_table == NULL)
        return wrong("ports", "no memory");
    const char *failed = underlay_of(object, &scenario->underlay);
    if (failed != NULL)
        return failed;
    scenario->config = (struct fastpath_config){
        .n_workers = scenario->n_workers,
        .tables = scenario->tables,
        .ports = scenario->port_table,
        .rings = scenario->rings,
        .counters = scenario->counters,
        .pool = pool,
        .underlay = &scenario->underlay,
        .watches = &scenario->board,
    };
    scenario->fastpath = fastpath_create(&scenario->config);
    return scenario->fastpath == NULL ? wrong("fastpath", "no memory") : NULL;
}

/* A slow path, if one is to take part: {"until_ms": N, "fixed": [ADDRESS...], "fixed_mac": MAC} */
static const char *
make_slowpath(struct scenario *scenario, json_t *object, struct rte_mempool *pool)
{
    struct slowpath_config config = {
        .tables = scenario->tables,
        .ports = scenario->port_table,
        .rings = scenario->rings,
        .counters = scenario->counters,
        .pool = pool,
        .underlay = &scenario->underlay,
    };

    json_t *each;
    size_t i;

    if (object == NULL)
        return NULL;
    json_array_foreach(json_object_get(object, "fixed"), i, each)
    {
        if (i == 2 || ip_addr_parse(json_string_value(each), &config.fixed_neighbours[i]) != 0 ||
            mac_parse(text_of(object, "fixed_mac"), &config.fixed_mac) != 0)
            return wrong("slowpath's fixed", json_string_value(each));
    }
    scenario->until_us = number_of(object, "until_ms", 0) * (uint64_t)1000;
    scenario->slowpath = slowpath_create(&config);
    return scenario->slowpath == NULL ? wrong("slowpath", "no memory") : NULL;
}

const char *
scenario_create(struct scenario *scenario, json_t *object, struct rte_mempool *pool)
{
    static const struct {
        const char *key;
        const char *(*add)(struct scenario *, json_t *);
    } parts[] = {
        { "vrfs", add_vrf },     { "vifs", add_vif },     { "endpoints", add_endpoint },
        { "routes", add_route }, { "labels", add_label }, { "allowed_sources", add_source },
    };
    const char *error;
    json_t *each;
    size_t i;

    memset(scenario, 0, sizeof(*scenario));
    scenario->n_workers = number_of(object, "workers", 1);
    scenario->begin_tsc = rte_rdtsc();
    scenario->turn_us = number_of(object, "turn_us", 0);
    error = make_threads(scenario, object, pool);
    json_array_foreach(json_object_get(object, "ports"), i, each)
    {
        if (error == NULL)
            error = add_port(scenario, each, pool);
    }
    for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
        json_array_foreach(json_object_get(object, parts[part].key), i, each)
        {
            if (error == NULL)
                error = parts[part].add(scenario, each);
        }
    }
    return error != NULL ? error
                         : make_slowpath(scenario, json_object_get(object, "slowpath"), pool);
}

static void
close_port(void *port)
{
    port_close(port);
}

void
scenario_destroy(struct scenario *scenario)
{
    for (unsigned i = 0; i < scenario->port_names.n; i++)
        (void)port_withdraw(scenario->port_table, scenario->ports[i], close_port,
                            scenario->ports[i]);
    fastpath_destroy(scenario->fastpath);
    slowpath_destroy(scenario->slowpath);
    rings_destroy(scenario->rings);
    counters_destroy(scenario->counters);
    if (scenario->tables != NULL)
        reclaim_drain(scenario->tables->reclaim);
    port_table_destroy(scenario->port_table);
    tables_destroy(scenario->tables);
}
