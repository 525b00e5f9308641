/* SPDX-License-Identifier: BSD-3-Clause */

/* An interface as asked for: reading its values, and the checks that need nobody else. */

#include "control/vif_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/headers.h"
#include "lib/table/vif.h"

#define LEASE_SECONDS_MIN 60

static int __attribute__((format(printf, 3, 4)))
refuse(struct config_error *error, const char *field, const char *format, ...)
{
    va_list arguments;

    snprintf(error->field, sizeof(error->field), "%s", field);
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool
is_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || strchr("-_.:@", *c) != NULL;
        if (!plain)
            return false;
    }
    return name[0] != '\0';
}

static int
address_check(const struct vif_address *address, struct config_error *error)
{
    if (!ip_addr_is_unicast(&address->addr))
        return refuse(error, "addresses", "the address of one host is expected");
    if (address->addr.family == IP_V6)
        return address->length == 128
                   ? 0
                   : refuse(error, "addresses", "an IPv6 address stands without a length");

    uint32_t host = ip_addr_to_v4(&address->addr) & ~ip_v4_mask(address->length);

    if (address->length < 8 || address->length == 31)
        return refuse(error, "addresses", "a subnet of 8 to 30 bits is expected, or 32");
    if (address->length < 32 && (host == 0 || host == ~ip_v4_mask(address->length)))
        return refuse(error, "addresses", "the subnet's own address or its broadcast address");
    return 0;
}

static int
addresses_check(const struct vif_config *vif, struct config_error *error)
{
    if (vif->n_addresses == 0)
        return refuse(error, "addresses", "at least one address is expected");
    if (vif->n_addresses + vif->n_prefixes > VIF_SOURCES_MAX)
        return refuse(error, "prefixes", "at most %d addresses and prefixes are expected",
                      VIF_SOURCES_MAX);
    for (unsigned i = 0; i < vif->n_addresses; i++) {
        if (address_check(&vif->addresses[i], error) < 0)
            return -EINVAL;
        for (unsigned j = 0; j < i; j++) {
            if (ip_addr_equal(&vif->addresses[i].addr, &vif->addresses[j].addr))
                return refuse(error, "addresses", "the same address twice");
        }
    }
    return 0;
}

static int
prefixes_check(const struct vif_config *vif, struct config_error *error)
{
    for (unsigned i = 0; i < vif->n_prefixes; i++) {
        const struct ip_prefix *prefix = &vif->prefixes[i];

        for (unsigned j = 0; j < i; j++) {
            if (ip_prefix_equal(prefix, &vif->prefixes[j]))
                return refuse(error, "prefixes", "the same prefix twice");
        }
        for (unsigned j = 0; j < vif->n_addresses; j++) {
            struct ip_prefix host = ip_prefix_of_host(&vif->addresses[j].addr);
            if (ip_prefix_equal(prefix, &host))
                return refuse(error, "prefixes", "the prefix is one of the addresses already");
        }
    }
    return 0;
}

static int
gateways_check(const struct vif_config *vif, struct config_error *error)
{
    if (vif->gateway6.family != IP_NONE && !ip_addr_is_link_local(&vif->gateway6))
        return refuse(error, "gateway6", "a link-local address such as fe80::1 is expected");
    if (vif->gateway.family == IP_NONE)
        return 0;
    if (vif->gateway.family != IP_V4 || !ip_addr_is_unicast(&vif->gateway))
        return refuse(error, "gateway", "the IPv4 address of one host is expected");
    for (unsigned i = 0; i < vif->n_addresses; i++) {
        if (ip_addr_equal(&vif->gateway, &vif->addresses[i].addr))
            return refuse(error, "gateway", "the first-hop router cannot have the guest's address");
    }
    return 0;
}

static int
rate_check(const struct vif_rate *rate, const char *bits_field, const char *packets_field,
           struct config_error *error)
{
    if (rate->bits != 0 && (rate->bits < VIF_RATE_BITS_MIN || rate->bits > VIF_RATE_BITS_MAX))
        return refuse(error, bits_field, "8kbit to 1000Gbit are expected, or 0 for any rate");
    if (rate->packets != 0 &&
        (rate->packets < VIF_RATE_PACKETS_MIN || rate->packets > VIF_RATE_PACKETS_MAX))
        return refuse(error, packets_field,
                      "%u to %u packets a second are expected, or 0 for any rate",
                      VIF_RATE_PACKETS_MIN, VIF_RATE_PACKETS_MAX);
    return 0;
}

static int
numbers_check(const struct vif_config *vif, struct config_error *error)
{
    if (vif->vlan > VLAN_ID_MAX)
        return refuse(error, "vlan", "an 802.1Q tag from 1 to %d is expected", VLAN_ID_MAX);
    if (vif->mtu != 0 && vif->mtu < VIF_MTU_MIN)
        return refuse(error, "mtu", "at least %d octets are expected", VIF_MTU_MIN);
    if (vif->mss_clamp > MSS_CLAMP_AUTO &&
        (vif->mss_clamp < MSS_CLAMP_MIN || vif->mss_clamp > VIF_MTU_MAX - TCP_IPV4_OCTETS))
        return refuse(error, "mss_clamp", "auto, off, or %d to %d octets are expected",
                      MSS_CLAMP_MIN, VIF_MTU_MAX - TCP_IPV4_OCTETS);
    if (vif->label != 0 && (vif->label < LABEL_MIN || vif->label > LABEL_MAX))
        return refuse(error, "label", "a label from %u to %u is expected", LABEL_MIN, LABEL_MAX);
    if (vif->lease_seconds < LEASE_SECONDS_MIN)
        return refuse(error, "lease", "at least %d seconds are expected", LEASE_SECONDS_MIN);
    return 0;
}

int
vif_config_check(const struct vif_config *vif, struct config_error *error)
{
    static const struct mac_addr zero;
    struct port_spec spec;
    char text[CONFIG_ERROR_MAX / 2];
    int status;

    if (!is_name(vif->name))
        return refuse(error, "name", "1 to %d letters, digits and -_.:@ are expected",
                      VIF_NAME_MAX - 1);
    if (!text_is_ascii_name(vif->vpn, VPN_NAME_MAX))
        return refuse(error, "vpn", "1 to %d octets of ASCII without blanks are expected",
                      VPN_NAME_MAX);
    if (port_spec_parse(vif->port, &spec, text, sizeof(text)) < 0)
        return refuse(error, "port", "%s", text);
    if ((vif->mac.octets[0] & 1) != 0 || mac_equal(&vif->mac, &zero))
        return refuse(error, "mac", "the MAC address of one host is expected");
    status = addresses_check(vif, error);
    if (status == 0)
        status = prefixes_check(vif, error);
    if (status == 0)
        status = gateways_check(vif, error);
    if (status == 0)
        status = numbers_check(vif, error);
    if (status == 0)
        status = rate_check(&vif->rate_in, "rate_in", "packet_rate_in", error);
    if (status == 0)
        status = rate_check(&vif->rate_out, "rate_out", "packet_rate_out", error);
    return status;
}

int
vif_config_check_mtu(const struct vif_config *vif, uint16_t mtu, struct config_error *error)
{
    bool ipv6 = false;

    for (unsigned i = 0; i < vif->n_addresses; i++)
        ipv6 |= vif->addresses[i].addr.family == IP_V6;
    for (unsigned i = 0; i < vif->n_prefixes; i++)
        ipv6 |= vif->prefixes[i].addr.family == IP_V6;
    if (ipv6 && mtu < IPV6_MTU_MIN)
        return refuse(error, "mtu", "IPv6 needs %d octets (RFC 8200), and there are %u",
                      IPV6_MTU_MIN, mtu);
    return 0;
}

int
vif_config_address(struct vif_config *vif, const char *text, struct config_error *error)
{
    struct vif_address address;

    if (vif->n_addresses == CONFIG_ADDRESSES_MAX)
        return refuse(error, "addresses", "at most %d addresses are expected",
                      CONFIG_ADDRESSES_MAX);
    if (ip_interface_parse(text, &address.addr, &address.length) < 0)
        return refuse(error, "addresses",
                      "10.0.0.11, 10.0.0.11/24 (in a subnet) or 2001:db8::11 is expected, "
                      "not \"%.60s\"",
                      text);
    vif->addresses[vif->n_addresses++] = address;
    return 0;
}

int
vif_config_prefix(struct vif_config *vif, const char *text, struct config_error *error)
{
    struct ip_prefix prefix;
    int status = ip_prefix_parse(text, &prefix);

    if (vif->n_prefixes == CONFIG_PREFIXES_MAX)
        return refuse(error, "prefixes", "at most %d prefixes are expected", CONFIG_PREFIXES_MAX);
    if (status == -EDOM)
        return refuse(error, "prefixes", "\"%.60s\" has bits set behind its length", text);
    if (status < 0)
        return refuse(error, "prefixes", "a prefix is expected, not \"%.60s\"", text);
    vif->prefixes[vif->n_prefixes++] = prefix;
    return 0;
}

int
vif_config_dns(struct vif_config *vif, const char *text, struct config_error *error)
{
    struct ip_addr addr;

    if (vif->n_dns == VIF_DNS_MAX)
        return refuse(error, "dns", "at most %d name servers are expected", VIF_DNS_MAX);
    if (ip_addr_parse(text, &addr) < 0 || addr.family != IP_V4 || !ip_addr_is_unicast(&addr))
        return refuse(error, "dns", "the IPv4 address of a host is expected, not \"%.40s\"", text);
    vif->dns[vif->n_dns++] = addr;
    return 0;
}

int
vif_config_mac(struct vif_config *vif, const char *text, struct config_error *error)
{
    if (mac_parse(text, &vif->mac) < 0)
        return refuse(error, "mac", "six octets such as 02:00:00:00:00:01 are expected");
    return 0;
}

int
vif_config_gateway(struct vif_config *vif, const char *text, struct config_error *error)
{
    if (ip_addr_parse(text, &vif->gateway) < 0)
        return refuse(error, "gateway", "an IPv4 address is expected, not \"%.60s\"", text);
    return 0;
}

int
vif_config_gateway6(struct vif_config *vif, const char *text, struct config_error *error)
{
    if (ip_addr_parse(text, &vif->gateway6) < 0)
        return refuse(error, "gateway6", "a link-local IPv6 address is expected, not \"%.60s\"",
                      text);
    return 0;
}

int
vif_config_mss_clamp(struct vif_config *vif, const char *text, struct config_error *error)
{
    uint32_t octets;

    if (strcmp(text, "off") == 0)
        vif->mss_clamp = MSS_CLAMP_OFF;
    else if (strcmp(text, "auto") == 0)
        vif->mss_clamp = MSS_CLAMP_AUTO;
    else if (text_parse_u32(text, UINT16_MAX, &octets) < 0 || octets < MSS_CLAMP_MIN)
        return refuse(error, "mss_clamp", "auto, off, or at least %d octets are expected",
                      MSS_CLAMP_MIN);
    else
        vif->mss_clamp = (uint16_t)octets;
    return 0;
}
