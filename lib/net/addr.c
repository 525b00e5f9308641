/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses, prefixes and MAC addresses as values: see addr.h. */

#include "lib/net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

struct ip_addr
ip_addr_from_v4(uint32_t host_order)
{
    uint32_t wire = htonl(host_order);
    struct ip_addr addr = { .family = IP_V4 };

    memcpy(addr.octets, &wire, sizeof(wire));
    return addr;
}

uint32_t
ip_addr_to_v4(const struct ip_addr *addr)
{
    uint32_t wire;

    memcpy(&wire, addr->octets, sizeof(wire));
    return ntohl(wire);
}

int
ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->octets, b->octets, sizeof(a->octets));
}

bool
ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return ip_addr_compare(a, b) == 0;
}

int
ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
    int order = ip_addr_compare(&a->addr, &b->addr);

    return order != 0 ? order : (int)a->length - (int)b->length;
}

bool
ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return ip_prefix_compare(a, b) == 0;
}

bool
mac_equal(const struct mac_addr *a, const struct mac_addr *b)
{
    return memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

struct ip_prefix
ip_prefix_of_host(const struct ip_addr *addr)
{
    return (struct ip_prefix){ .addr = *addr, .length = ip_family_bits(addr->family) };
}

/* Clears the bits of `addr` behind the first `length`. */
static void
clear_host_bits(struct ip_addr *addr, uint8_t length)
{
    for (unsigned i = 0; i < sizeof(addr->octets); i++) {
        if (length >= 8)
            length = (uint8_t)(length - 8);
        else {
            addr->octets[i] &= (uint8_t)(0xff00u >> length);
            length = 0;
        }
    }
}

struct ip_prefix
ip_prefix_of_network(const struct ip_addr *addr, uint8_t length)
{
    struct ip_prefix prefix = { .addr = *addr, .length = length };

    clear_host_bits(&prefix.addr, length);
    return prefix;
}

bool
ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
    struct ip_addr network = *addr;

    clear_host_bits(&network, prefix->length);
    return ip_addr_equal(&prefix->addr, &network);
}

uint32_t
ip_v4_mask(uint8_t length)
{
    return length == 0 ? 0 : UINT32_MAX << (32 - length);
}

struct ip_addr
ip_addr_from_v6(const void *octets)
{
    struct ip_addr addr = { .family = IP_V6 };

    memcpy(addr.octets, octets, sizeof(addr.octets));
    return addr;
}

bool
ip_addr_is_link_local(const struct ip_addr *addr)
{
    return addr->family == IP_V6 && addr->octets[0] == 0xfe && (addr->octets[1] & 0xc0) == 0x80;
}

bool
ip_addr_is_unicast(const struct ip_addr *addr)
{
    static const uint8_t zeros[15];

    if (addr->family == IP_V4)
        return addr->octets[0] != 0 && addr->octets[0] != 127 && addr->octets[0] < 224;
    if (addr->family != IP_V6 || addr->octets[0] == 0xff || ip_addr_is_link_local(addr))
        return false;
    if (memcmp(addr->octets, zeros, 15) == 0 && addr->octets[15] <= 1)
        return false;
    return memcmp(addr->octets, zeros, 10) != 0 || addr->octets[10] != 0xff ||
           addr->octets[11] != 0xff;
}

int
ip_addr_parse(const char *text, struct ip_addr *addr)
{
    struct ip_addr parsed = { .family = IP_NONE };

    if (inet_pton(AF_INET, text, parsed.octets) == 1)
        parsed.family = IP_V4;
    else if (inet_pton(AF_INET6, text, parsed.octets) == 1)
        parsed.family = IP_V6;
    else
        return -EINVAL;
    *addr = parsed;
    return 0;
}

int
ip_interface_parse(const char *text, struct ip_addr *addr, uint8_t *length)
{
    char copy[IP_PREFIX_TEXT_MAX];
    struct ip_addr parsed;
    size_t octets = strlen(text);

    if (octets >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, octets + 1);
    char *slash = strchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    if (ip_addr_parse(copy, &parsed) != 0)
        return -EINVAL;
    uint32_t bits = ip_family_bits(parsed.family);
    if (slash != NULL && text_parse_u32(slash + 1, bits, &bits) != 0)
        return -EINVAL;
    *addr = parsed;
    *length = (uint8_t)bits;
    return 0;
}

int
ip_prefix_parse(const char *text, struct ip_prefix *prefix)
{
    struct ip_prefix parsed;

    if (ip_interface_parse(text, &parsed.addr, &parsed.length) != 0)
        return -EINVAL;
    struct ip_addr network = parsed.addr;
    clear_host_bits(&network, parsed.length);
    if (!ip_addr_equal(&network, &parsed.addr))
        return -EDOM;
    *prefix = parsed;
    return 0;
}

int
ip_addr_port_parse(const char *text, struct ip_addr *addr, uint16_t *port)
{
    const bool brackets = text[0] == '[';
    const char *start = text + brackets;
    const size_t length = strcspn(start, brackets ? "]" : ":");
    const char *rest = start + length;
    char host[IP_ADDR_TEXT_MAX];
    uint32_t number = *port;
    struct ip_addr parsed;

    if (ip_addr_parse(text, addr) == 0)
        return 0;
    if (length >= sizeof(host) || *rest == '\0')
        return -EINVAL;
    rest += brackets;
    memcpy(host, start, length);
    host[length] = '\0';
    if (ip_addr_parse(host, &parsed) != 0 || (parsed.family == IP_V6) != brackets)
        return -EINVAL;
    if (*rest != '\0' && (*rest != ':' || text_parse_u32(rest + 1, UINT16_MAX, &number) != 0))
        return -EINVAL;
    if (number == 0)
        return -EINVAL;
    *addr = parsed;
    *port = (uint16_t)number;
    return 0;
}

int
mac_parse(const char *text, struct mac_addr *mac)
{
    struct mac_addr parsed;

    for (unsigned i = 0; i < 6; i++) {
        unsigned value = 0;
        for (unsigned digit = 0; digit < 2; digit++, text++) {
            if (*text >= '0' && *text <= '9')
                value = value * 16 + (unsigned)(*text - '0');
            else if ((*text | 32) >= 'a' && (*text | 32) <= 'f')
                value = value * 16 + (unsigned)((*text | 32) - 'a') + 10;
            else
                return -EINVAL;
        }
        if (*text++ != (i < 5 ? ':' : '\0'))
            return -EINVAL;
        parsed.octets[i] = (uint8_t)value;
    }
    *mac = parsed;
    return 0;
}

const char *
ip_addr_format(const struct ip_addr *addr, char text[IP_ADDR_TEXT_MAX])
{
    if (addr->family == IP_NONE || inet_ntop(addr->family == IP_V6 ? AF_INET6 : AF_INET,
                                             addr->octets, text, IP_ADDR_TEXT_MAX) == NULL)
        snprintf(text, IP_ADDR_TEXT_MAX, "none");
    return text;
}

const char *
ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT_MAX])
{
    char addr[IP_ADDR_TEXT_MAX];

    snprintf(text, IP_PREFIX_TEXT_MAX, "%s/%u", ip_addr_format(&prefix->addr, addr),
             prefix->length);
    return text;
}

const char *
ip_addr_port_format(const struct ip_addr *addr, uint16_t port, char text[IP_PORT_TEXT_MAX])
{
    char host[IP_ADDR_TEXT_MAX];

    snprintf(text, IP_PORT_TEXT_MAX, addr->family == IP_V6 ? "[%s]:%u" : "%s:%u",
             ip_addr_format(addr, host), port);
    return text;
}

const char *
mac_format(const struct mac_addr *mac, char text[MAC_TEXT_MAX])
{
    snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac->octets[0], mac->octets[1],
             mac->octets[2], mac->octets[3], mac->octets[4], mac->octets[5]);
    return text;
}
