/* SPDX-License-Identifier: BSD-3-Clause */

/* The section of the underlay: our addresses on it, the way out of it, and what holds for every
 * packet to and from it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_file.h"
#include "control/config_sections.h"
#include "lib/base/text.h"
#include "lib/table/vif.h"

#define DSCP_MAX 63

/* The address of a family, and its subnet. */
static int
address_read(cfg_t *section, const char *text, struct underlay_config *underlay,
             struct config_error *error)
{
    struct ip_addr address, *ours;
    struct underlay_link *link;
    uint8_t length;

    if (strchr(text, '/') == NULL || ip_interface_parse(text, &address, &length) < 0 ||
        !ip_addr_is_unicast(&address))
        return config_file_refuse(section, "address", error,
                                  "an address with the length of its subnet (192.0.2.11/24 or "
                                  "2001:db8::11/64) is expected, not \"%.60s\"",
                                  text);
    ours = address.family == IP_V6 ? &underlay->settings.v6 : &underlay->settings.v4;
    link = address.family == IP_V6 ? &underlay->v6 : &underlay->v4;
    if (ours->family != IP_NONE)
        return config_file_refuse(section, "address", error,
                                  "at most one address of IPv4 and one of IPv6 are supported");
    *ours = address;
    link->prefix_length = length;
    if (underlay->next_hop.family == IP_NONE)
        underlay->next_hop = address;
    return 0;
}

static int
gateway_read(cfg_t *section, const char *key, uint8_t family, struct underlay_config *underlay,
             struct config_error *error)
{
    const struct ip_addr *ours = underlay_address(&underlay->settings, family);
    struct ip_addr *gateway = family == IP_V6 ? &underlay->v6.gateway : &underlay->v4.gateway;

    if (config_file_address(section, key, family, gateway, error) < 0)
        return -EINVAL;
    if (gateway->family == IP_NONE)
        return 0;
    if (ours == NULL)
        return config_file_refuse(section, key, error,
                                  "the underlay has no address of this family");
    if (ip_addr_equal(gateway, ours))
        return config_file_refuse(section, key, error, "it is the underlay's own address");
    return 0;
}

/* A gateway that answers neither ARP nor neighbour discovery: its MAC address is given. */
static int
gateway_mac_read(cfg_t *section, struct underlay_config *underlay, struct config_error *error)
{
    const char *text = config_file_text(section, "gateway-mac");

    if (text == NULL)
        return 0;
    if (underlay->v4.gateway.family == IP_NONE && underlay->v6.gateway.family == IP_NONE)
        return config_file_refuse(section, "gateway-mac", error, "a gateway is expected with it");
    if (mac_parse(text, &underlay->gateway_mac) < 0 || (underlay->gateway_mac.octets[0] & 1) != 0)
        return config_file_refuse(section, "gateway-mac", error,
                                  "the MAC address of one host is expected, not \"%.40s\"", text);
    return 0;
}

static int
dscp_read(cfg_t *section, struct underlay *settings, struct config_error *error)
{
    const char *model = config_file_text(section, "dscp");
    uint32_t dscp = 0;

    if (model != NULL && strcmp(model, "pipe") != 0 && strcmp(model, "uniform") != 0)
        return config_file_refuse(section, "dscp", error,
                                  "pipe or uniform is expected, not \"%.40s\"", model);
    settings->dscp_model =
        model != NULL && strcmp(model, "uniform") == 0 ? DSCP_UNIFORM : DSCP_PIPE;
    if (config_file_number(section, "dscp-value", 0, DSCP_MAX, &dscp, error) < 0)
        return -EINVAL;
    if (settings->dscp_model == DSCP_UNIFORM && config_file_text(section, "dscp-value") != NULL)
        return config_file_refuse(section, "dscp-value", error, "goes with dscp = pipe only");
    settings->dscp = (uint8_t)dscp;
    return 0;
}

static int
sources_read(cfg_t *section, struct underlay_config *underlay, struct config_error *error)
{
    unsigned n = config_file_items(section, "allowed-sources");

    underlay->settings.check_sources = true;
    if (config_file_bool(section, "check-sources", &underlay->settings.check_sources, error) < 0 ||
        config_file_bool(section, "check-reverse-path", &underlay->settings.check_reverse_path,
                         error) < 0)
        return -EINVAL;
    if (n == 0)
        return 0;
    if (!underlay->settings.check_sources)
        return config_file_refuse(section, "allowed-sources", error,
                                  "goes with check-sources = true only");
    underlay->allowed_sources = calloc(n, sizeof(underlay->allowed_sources[0]));
    if (underlay->allowed_sources == NULL)
        return config_file_refuse(section, NULL, error, "out of memory");
    for (unsigned i = 0; i < n; i++) {
        const char *text = config_file_item(section, "allowed-sources", i);
        if (ip_prefix_parse(text, &underlay->allowed_sources[i]) < 0)
            return config_file_refuse(section, "allowed-sources", error,
                                      "prefixes without bits behind their length are expected, "
                                      "not \"%.60s\"",
                                      text);
    }
    underlay->n_allowed_sources = n;
    return 0;
}

/* A name that the kernel takes for an interface. */
static int
host_interface_read(cfg_t *section, struct underlay_config *underlay, struct config_error *error)
{
    if (config_file_copy(section, "host-interface", underlay->host_interface,
                         sizeof(underlay->host_interface), error) < 0)
        return -EINVAL;
    if (underlay->host_interface[0] != '\0' &&
        (!text_is_ascii_name(underlay->host_interface, HOST_INTERFACE_MAX - 1) ||
         strpbrk(underlay->host_interface, "/:%") != NULL || underlay->host_interface[0] == '.'))
        return config_file_refuse(section, "host-interface", error,
                                  "a name such as host0 is expected");
    return 0;
}

int
config_underlay_read(cfg_t *section, struct config *config, struct config_error *error)
{
    struct underlay_config *underlay = &config->underlay;
    uint32_t mtu = UNDERLAY_MTU_DEFAULT, vlan = VLAN_UNTAGGED;
    char text[CONFIG_ERROR_MAX / 2];
    struct port_spec spec;

    if (underlay->name[0] != '\0')
        return config_file_refuse(section, NULL, error, "only one underlay is supported");
    if (!text_is_ascii_name(cfg_title(section), sizeof(underlay->name) - 1))
        return config_file_refuse(section, NULL, error,
                                  "a name of ASCII without blanks is "
                                  "expected");
    snprintf(underlay->name, sizeof(underlay->name), "%s", cfg_title(section));
    if (config_file_require(section, "port", "a port", error) < 0 ||
        config_file_copy(section, "port", underlay->port, sizeof(underlay->port), error) < 0)
        return -EINVAL;
    if (port_spec_parse(underlay->port, &spec, text, sizeof(text)) < 0)
        return config_file_refuse(section, "port", error, "%s", text);
    if (config_file_require(section, "address", "ADDRESS/LENGTH", error) < 0)
        return -EINVAL;
    for (unsigned i = 0; i < config_file_items(section, "address"); i++) {
        if (address_read(section, config_file_item(section, "address", i), underlay, error) < 0)
            return -EINVAL;
    }
    if (gateway_read(section, "gateway", IP_V4, underlay, error) < 0 ||
        gateway_read(section, "gateway6", IP_V6, underlay, error) < 0 ||
        gateway_mac_read(section, underlay, error) < 0 ||
        config_file_number(section, "vlan", 1, VLAN_ID_MAX, &vlan, error) < 0 ||
        config_file_number(section, "mtu", 1280, VIF_MTU_MAX, &mtu, error) < 0 ||
        dscp_read(section, &underlay->settings, error) < 0 ||
        sources_read(section, underlay, error) < 0 ||
        host_interface_read(section, underlay, error) < 0)
        return -EINVAL;
    underlay->settings.vlan = (uint16_t)vlan;
    underlay->settings.mtu = (uint16_t)mtu;
    return 0;
}
