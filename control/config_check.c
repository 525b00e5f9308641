/* SPDX-License-Identifier: BSD-3-Clause */

/* What one section alone cannot tell. Doubles are found by sorting: files with thousands of
 * interfaces are ordinary. */

#include "control/config_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_file.h"
#include "lib/table/vif.h"

/* Something that may stand in the file once only, and the section that it stands in. */
struct claim {
    const char *scope; /* VPN, port, or empty */
    struct ip_prefix prefix;
    uint32_t number;  /* label, tag or instance-id */
    const char *kind; /* of the section */
    const char *title;
};

static int
claim_compare(const void *left, const void *right)
{
    const struct claim *a = left, *b = right;
    int order = strcmp(a->scope, b->scope);

    if (order == 0)
        order = ip_prefix_compare(&a->prefix, &b->prefix);
    if (order == 0)
        order = (a->number > b->number) - (a->number < b->number);
    return order;
}

/* Complains about the first claim that is made twice. */
static int
claims_check(cfg_t *root, struct claim *claims, size_t n, const char *key,
             struct config_error *error)
{
    qsort(claims, n, sizeof(claims[0]), claim_compare);
    for (size_t i = 1; i < n; i++) {
        if (claim_compare(&claims[i - 1], &claims[i]) == 0)
            return config_file_refuse(cfg_gettsec(root, claims[i].kind, claims[i].title), key,
                                      error, "is that of %s \"%.60s\" already", claims[i - 1].kind,
                                      claims[i - 1].title);
    }
    return 0;
}

static size_t
claim_labels(const struct config *config, struct claim *claims)
{
    size_t n = 0;

    for (unsigned i = 0; i < config->n_vifs; i++) {
        if (config->vifs[i].label != 0)
            claims[n++] = (struct claim){ .scope = "",
                                          .number = config->vifs[i].label,
                                          .kind = "vif",
                                          .title = config->vifs[i].name };
    }
    for (unsigned i = 0; i < config->n_vpns; i++) {
        if (config->vpns[i].label != 0)
            claims[n++] = (struct claim){ .scope = "",
                                          .number = config->vpns[i].label,
                                          .kind = "vpn",
                                          .title = config->vpns[i].name };
    }
    return n;
}

static size_t
claim_instances(const struct config *config, struct claim *claims)
{
    size_t n = 0;

    for (unsigned i = 0; i < config->n_vpns; i++) {
        if (config->vpns[i].instance_id != 0)
            claims[n++] = (struct claim){ .scope = "",
                                          .number = config->vpns[i].instance_id,
                                          .kind = "vpn",
                                          .title = config->vpns[i].name };
    }
    return n;
}

static size_t
claim_tags(const struct config *config, struct claim *claims)
{
    for (unsigned i = 0; i < config->n_vifs; i++)
        claims[i] = (struct claim){ .scope = config->vifs[i].port,
                                    .number = config->vifs[i].vlan,
                                    .kind = "vif",
                                    .title = config->vifs[i].name };
    return config->n_vifs;
}

static size_t
claim_addresses(const struct config *config, struct claim *claims)
{
    size_t n = 0;

    for (unsigned i = 0; i < config->n_vifs; i++) {
        const struct vif_config *vif = &config->vifs[i];
        for (unsigned j = 0; j < vif->n_addresses; j++)
            claims[n++] = (struct claim){ .scope = vif->vpn,
                                          .prefix = ip_prefix_of_host(&vif->addresses[j].addr),
                                          .kind = "vif",
                                          .title = vif->name };
    }
    return n;
}

static size_t
claim_prefixes(const struct config *config, struct claim *claims)
{
    size_t n = 0;

    for (unsigned i = 0; i < config->n_vifs; i++) {
        const struct vif_config *vif = &config->vifs[i];
        for (unsigned j = 0; j < vif->n_prefixes; j++)
            claims[n++] = (struct claim){
                .scope = vif->vpn, .prefix = vif->prefixes[j], .kind = "vif", .title = vif->name
            };
    }
    return n;
}

static int
doubles_check(cfg_t *root, const struct config *config, struct config_error *error)
{
    static const struct {
        size_t (*collect)(const struct config *config, struct claim *claims);
        const char *key;
    } kinds[] = {
        { claim_labels, "label" },      { claim_instances, "instance-id" }, { claim_tags, "port" },
        { claim_addresses, "address" }, { claim_prefixes, "prefix" },
    };
    size_t most = (size_t)config->n_vifs * CONFIG_PREFIXES_MAX + config->n_vpns + 1;
    struct claim *claims = calloc(most, sizeof(claims[0]));
    int status = 0;

    if (claims == NULL)
        return config_file_refuse(root, NULL, error, "out of memory");
    for (size_t i = 0; status == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        status = claims_check(root, claims, kinds[i].collect(config, claims), kinds[i].key, error);
    free(claims);
    return status;
}

static int
vifs_check(cfg_t *root, const struct config *config, struct config_error *error)
{
    for (unsigned i = 0; i < config->n_vifs; i++) {
        const struct vif_config *vif = &config->vifs[i];
        const struct vpn_config *vpn = config_vpn(config, vif->vpn);
        cfg_t *section = cfg_getnsec(root, "vif", i);
        struct config_error what;

        if (strcmp(vif->port, config->underlay.port) == 0)
            return config_file_refuse(section, "port", error, "is the underlay's");
        if (vif_config_check_mtu(vif, config_vif_mtu(config, vif), &what) < 0)
            return config_file_refuse(section, "mtu", error, "%s", what.text);
        if (vif->label != 0 && vpn != NULL && vpn->label_mode != LABEL_MODE_INTERFACE)
            return config_file_refuse(section, "label", error,
                                      "the routes of this VPN carry the VPN's own label "
                                      "(label-mode = %s)",
                                      label_mode_name(vpn->label_mode));
    }
    return 0;
}

static int
routes_check(cfg_t *root, const struct config *config, struct config_error *error)
{
    for (unsigned i = 0; i < config->n_vpns; i++) {
        const struct vpn_config *vpn = &config->vpns[i];
        for (unsigned j = 0; j < vpn->n_routes; j++) {
            const struct static_route *route = &vpn->routes[j];
            cfg_t *section = cfg_getnsec(cfg_getnsec(root, "vpn", i), "route", j);
            unsigned k = 0;

            for (unsigned l = 0; l < j; l++) {
                if (ip_prefix_equal(&route->prefix, &vpn->routes[l].prefix))
                    return config_file_refuse(section, NULL, error,
                                              "the prefix stands there twice");
            }
            if (route->vif[0] == '\0') {
                if (underlay_owns(&config->underlay.settings, &route->next_hop.addr))
                    return config_file_refuse(section, "next-hop", error,
                                              "is our own address: vif = NAME is expected");
                if (underlay_address(&config->underlay.settings, route->next_hop.addr.family) ==
                    NULL)
                    return config_file_refuse(section, "next-hop", error,
                                              "the underlay has no address of this family");
                continue;
            }
            while (k < config->n_vifs && (strcmp(config->vifs[k].name, route->vif) != 0 ||
                                          strcmp(config->vifs[k].vpn, vpn->name) != 0))
                k++;
            if (k == config->n_vifs)
                return config_file_refuse(section, "vif", error,
                                          "this VPN has no interface \"%.60s\" in this file",
                                          route->vif);
        }
    }
    return 0;
}

static int
servers_check(cfg_t *root, const struct config *config, struct config_error *error)
{
    for (unsigned i = 0; i < config->n_servers; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (ip_addr_equal(&config->servers[i].address, &config->servers[j].address) &&
                config->servers[i].tcp_port == config->servers[j].tcp_port)
                return config_file_refuse(cfg_getnsec(root, "server", i), "address", error,
                                          "is that of server \"%.60s\" already",
                                          config->servers[j].name);
        }
    }
    return 0;
}

int
config_check(cfg_t *root, const struct config *config, struct config_error *error)
{
    int status = servers_check(root, config, error);

    if (status == 0)
        status = vifs_check(root, config, error);
    if (status == 0)
        status = routes_check(root, config, error);
    if (status == 0)
        status = doubles_check(root, config, error);
    return status;
}
