/* SPDX-License-Identifier: BSD-3-Clause */

/* The sections of tenants: VPNs with their static routes, and interfaces. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_file.h"
#include "control/config_sections.h"
#include "control/vif_config.h"
#include "lib/base/text.h"
#include "lib/table/vif.h"

static int
route_read(cfg_t *section, const struct config *config, struct static_route *route,
           struct config_error *error)
{
    uint8_t list[3];
    unsigned n = 0;
    int status = ip_prefix_parse(cfg_title(section), &route->prefix);

    if (status < 0)
        return config_file_refuse(section, NULL, error, "%s",
                                  status == -EDOM ? "the prefix has bits set behind its length"
                                                  : "a prefix is expected");
    if (config_file_text(section, "vif") != NULL) {
        if (config_file_text(section, "next-hop") != NULL)
            return config_file_refuse(section, "vif", error, "either vif or next-hop is expected");
        if (config_file_text(section, "label") != NULL)
            return config_file_refuse(section, "label", error, "goes with next-hop only");
        if (config_file_items(section, "encapsulations") != 0)
            return config_file_refuse(section, "encapsulations", error, "goes with next-hop only");
        return config_file_copy(section, "vif", route->vif, sizeof(route->vif), error);
    }
    if (config_file_require(section, "next-hop", "an address (or vif, a name)", error) < 0 ||
        config_file_address(section, "next-hop", IP_NONE, &route->next_hop.addr, error) < 0 ||
        config_file_require(section, "label", "the label that the next hop gave the route", error) <
            0 ||
        config_file_number(section, "label", LABEL_MIN, LABEL_MAX, &route->next_hop.label, error) <
            0 ||
        config_encapsulations_read(section, "encapsulations", list, &n, error) < 0)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++)
        route->next_hop.encapsulations |= list[i];
    if (n == 0)
        route->next_hop.encapsulations = config_encapsulations(config);
    return 0;
}

int
config_vpn_read(cfg_t *section, struct config *config, struct config_error *error)
{
    struct vpn_config *vpn = &config->vpns[config->n_vpns];
    const char *mode = config_file_text(section, "label-mode");
    unsigned n_routes = cfg_size(section, "route");
    uint32_t instance_id = 0;

    if (!text_is_ascii_name(cfg_title(section), VPN_NAME_MAX))
        return config_file_refuse(section, NULL, error,
                                  "a VPN identifier has 1 to %d octets of ASCII without blanks",
                                  VPN_NAME_MAX);
    snprintf(vpn->name, sizeof(vpn->name), "%s", cfg_title(section));
    config->n_vpns++;
    if (config_file_number(section, "instance-id", 1, UINT16_MAX, &instance_id, error) < 0 ||
        config_file_address(section, "gateway", IP_V4, &vpn->gateway, error) < 0 ||
        config_file_address(section, "gateway6", IP_V6, &vpn->gateway6, error) < 0 ||
        config_file_number(section, "label", LABEL_MIN, LABEL_MAX, &vpn->label, error) < 0)
        return -EINVAL;
    vpn->instance_id = (uint16_t)instance_id;
    if (vpn->gateway6.family != IP_NONE && !ip_addr_is_link_local(&vpn->gateway6))
        return config_file_refuse(section, "gateway6", error,
                                  "a link-local address such as fe80::1 is expected");
    if (mode != NULL && label_mode_parse(mode) < 0)
        return config_file_refuse(section, "label-mode", error,
                                  "interface, vrf or gateway is expected, not \"%.40s\"", mode);
    vpn->label_mode = mode == NULL ? LABEL_MODE_INTERFACE : (enum label_mode)label_mode_parse(mode);
    if (vpn->label != 0 && vpn->label_mode == LABEL_MODE_INTERFACE)
        return config_file_refuse(section, "label", error,
                                  "goes with label-mode = vrf or gateway only");
    if (n_routes == 0)
        return 0;
    vpn->routes = calloc(n_routes, sizeof(vpn->routes[0]));
    if (vpn->routes == NULL)
        return config_file_refuse(section, NULL, error, "out of memory");
    for (unsigned i = 0; i < n_routes; i++) {
        if (route_read(cfg_getnsec(section, "route", i), config, &vpn->routes[i], error) < 0)
            return -EINVAL;
        vpn->n_routes++;
    }
    return 0;
}

/* A list of an interface, item by item. */
static int
vif_list(cfg_t *section, const char *key, struct vif_config *vif,
         int (*add)(struct vif_config *vif, const char *text, struct config_error *error),
         struct config_error *error)
{
    struct config_error what;

    for (unsigned i = 0; i < config_file_items(section, key); i++) {
        if (add(vif, config_file_item(section, key, i), &what) < 0)
            return config_file_refuse(section, key, error, "%s", what.text);
    }
    return 0;
}

static int
vif_numbers(cfg_t *section, struct vif_config *vif, struct config_error *error)
{
    uint32_t vlan = 0, mtu = 0;

    if (config_file_number(section, "vlan", 1, VLAN_ID_MAX, &vlan, error) < 0 ||
        config_file_number(section, "mtu", VIF_MTU_MIN, VIF_MTU_MAX, &mtu, error) < 0 ||
        config_file_number(section, "label", LABEL_MIN, LABEL_MAX, &vif->label, error) < 0 ||
        config_file_number(section, "lease", 60, UINT32_MAX, &vif->lease_seconds, error) < 0 ||
        config_file_number(section, "local-preference", 0, UINT32_MAX, &vif->local_preference,
                           error) < 0 ||
        config_file_number(section, "sequence-number", 1, UINT32_MAX, &vif->sequence_number,
                           error) < 0)
        return -EINVAL;
    vif->vlan = (uint16_t)vlan;
    vif->mtu = (uint16_t)mtu;
    return 0;
}

static int
vif_rates(cfg_t *section, struct vif_config *vif, struct config_error *error)
{
    const struct {
        const char *bits_key, *packets_key;
        struct vif_rate *rate;
    } rates[] = {
        { "rate-in", "packet-rate-in", &vif->rate_in },
        { "rate-out", "packet-rate-out", &vif->rate_out },
    };

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        const char *bits = config_file_text(section, rates[i].bits_key);
        uint32_t packets = 0;

        if (bits != NULL && text_parse_bit_rate(bits, UINT64_MAX, &rates[i].rate->bits) < 0)
            return config_file_refuse(section, rates[i].bits_key, error,
                                      "bits a second such as 100Mbit are expected, not \"%.40s\"",
                                      bits);
        if (config_file_number(section, rates[i].packets_key, 0, VIF_RATE_PACKETS_MAX, &packets,
                               error) < 0)
            return -EINVAL;
        rates[i].rate->packets = packets;
    }
    return 0;
}

/* The field of vif_config_check() as the file calls it. */
static const char *
vif_key(const char *field)
{
    static const char *const keys[][2] = {
        { "name", NULL },
        { "addresses", "address" },
        { "prefixes", "prefix" },
        { "rate_in", "rate-in" },
        { "rate_out", "rate-out" },
        { "packet_rate_in", "packet-rate-in" },
        { "packet_rate_out", "packet-rate-out" },
        { "mss_clamp", "mss-clamp" },
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(field, keys[i][0]) == 0)
            return keys[i][1];
    }
    return field;
}

int
config_vif_read(cfg_t *section, struct config *config, struct config_error *error)
{
    struct vif_config *vif = &config->vifs[config->n_vifs];
    struct config_error what;
    const char *mss_clamp;

    *vif = VIF_CONFIG_DEFAULT;
    vif->from_file = true;
    if (strlen(cfg_title(section)) >= sizeof(vif->name))
        return config_file_refuse(section, NULL, error, "a name of at most %zu octets is expected",
                                  sizeof(vif->name) - 1);
    snprintf(vif->name, sizeof(vif->name), "%s", cfg_title(section));
    config->n_vifs++;
    if (config_file_require(section, "vpn", "a VPN's name", error) < 0 ||
        config_file_copy(section, "vpn", vif->vpn, sizeof(vif->vpn), error) < 0 ||
        config_file_require(section, "port", "a port", error) < 0 ||
        config_file_copy(section, "port", vif->port, sizeof(vif->port), error) < 0 ||
        config_file_require(section, "mac", "the guest's MAC address", error) < 0 ||
        config_file_require(section, "address", "an address", error) < 0 ||
        config_file_address(section, "gateway", IP_V4, &vif->gateway, error) < 0 ||
        config_file_address(section, "gateway6", IP_V6, &vif->gateway6, error) < 0 ||
        config_file_bool(section, "dhcp", &vif->dhcp, error) < 0 ||
        config_file_bool(section, "router-advertisement", &vif->router_advertisement, error) < 0 ||
        config_file_bool(section, "up", &vif->up, error) < 0 ||
        vif_numbers(section, vif, error) < 0 || vif_rates(section, vif, error) < 0 ||
        vif_list(section, "address", vif, vif_config_address, error) < 0 ||
        vif_list(section, "prefix", vif, vif_config_prefix, error) < 0 ||
        vif_list(section, "dns", vif, vif_config_dns, error) < 0)
        return -EINVAL;
    mss_clamp = config_file_text(section, "mss-clamp");
    if (vif_config_mac(vif, config_file_text(section, "mac"), &what) < 0 ||
        (mss_clamp != NULL && vif_config_mss_clamp(vif, mss_clamp, &what) < 0) ||
        vif_config_check(vif, &what) < 0)
        return config_file_refuse(section, vif_key(what.field), error, "%s", what.text);
    return 0;
}
