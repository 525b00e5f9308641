/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Addresses, prefixes and MAC addresses as values: comparable, printable, strictly parsed.
 * Octets stand in the order of the wire. Every function here may be called from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip_addr {
    uint8_t family;     /* enum ip_family */
    uint8_t octets[16]; /* the first 4 for IPv4, the others zero */
};

struct ip_prefix {
    struct ip_addr addr; /* host bits zero */
    uint8_t length;      /* 0-32 or 0-128 */
};

struct mac_addr {
    uint8_t octets[6];
};

#define IP_ADDR_TEXT_MAX   46 /* with the zero at the end */
#define IP_PREFIX_TEXT_MAX 50
#define IP_PORT_TEXT_MAX   (IP_ADDR_TEXT_MAX + 8)
#define MAC_TEXT_MAX       18

/** VRRP VRID 1: the virtual router's MAC address in a whole deployment (RFC 5798, C10, C11). */
#define MAC_VIRTUAL_ROUTER ((struct mac_addr){ { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } })

/** The same for IPv6. */
#define MAC_VIRTUAL_ROUTER_V6 ((struct mac_addr){ { 0x00, 0x00, 0x5e, 0x00, 0x02, 0x01 } })

/**
 * The virtual router's IPv6 address beyond its links, the same in every VRF of every vRouter, as
 * 169.254.0.1 is: the source of ICMPv6 errors that go through tunnels, for which fe80::1 will not
 * do (RFC 4291 section 2.5.6). A unique local address whose global ID was drawn for it (RFC 4193).
 */
#define IP_VIRTUAL_ROUTER_V6 \
    ((struct ip_addr){ IP_V6, { 0xfd, 0xaf, 0x5a, 0x18, 0xd5, 0xe2, [15] = 1 } })

/** The bits of an address of this family: 32 or 128. */
static inline uint8_t
ip_family_bits(uint8_t family)
{
    return family == IP_V6 ? 128 : 32;
}

/** An IPv4 address from a number in host order, and back (the address must be IPv4). */
struct ip_addr ip_addr_from_v4(uint32_t host_order);
uint32_t ip_addr_to_v4(const struct ip_addr *addr);

/** True if family and octets are equal. */
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);
bool mac_equal(const struct mac_addr *a, const struct mac_addr *b);

/** Orders addresses: IPv4 before IPv6, then by value; <0, 0 or >0. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);

/** Orders prefixes: by address, then shorter first; <0, 0 or >0. */
int ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b);

/** The host prefix (/32 or /128) of an address. */
struct ip_prefix ip_prefix_of_host(const struct ip_addr *addr);

/** The prefix of `length` bits that an address is in. */
struct ip_prefix ip_prefix_of_network(const struct ip_addr *addr, uint8_t length);

/** True if `addr` is of the prefix's family and inside it. */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);

/** The mask of an IPv4 prefix length 0-32, host order. */
uint32_t ip_v4_mask(uint8_t length);

/** An IPv6 address from its 16 octets. */
struct ip_addr ip_addr_from_v6(const void *octets);

/** True for fe80::/10. */
bool ip_addr_is_link_local(const struct ip_addr *addr);

/** True for an address that one host may own and routers forward to: not 0.0.0.0/8, loopback,
 * multicast, class E or broadcast; not unspecified, loopback, multicast, link-local or an IPv4
 * address in IPv6's clothes. */
bool ip_addr_is_unicast(const struct ip_addr *addr);

/**
 * Reads a whole string as an address.
 * @return 0 or -EINVAL; `*addr` is then untouched.
 */
int ip_addr_parse(const char *text, struct ip_addr *addr);

/**
 * Reads a whole string as ADDRESS/LENGTH; without a length it is a host prefix.
 * @return 0, -EINVAL (not a prefix), or -EDOM (host bits are set). `*prefix` is then untouched.
 */
int ip_prefix_parse(const char *text, struct ip_prefix *prefix);

/**
 * Reads ADDRESS/LENGTH as an interface's address in its subnet: host bits are kept in `*addr`.
 * @return 0 or -EINVAL.
 */
int ip_interface_parse(const char *text, struct ip_addr *addr, uint8_t *length);

/**
 * Reads a whole string as ADDRESS or ADDRESS:PORT; an IPv6 address with a port stands in brackets
 * ([2001:db8::1]:5222), and may without.
 * @param port set to a port from 1 to 65535 if there is one, else left
 * @return 0 or -EINVAL; nothing is then touched.
 */
int ip_addr_port_parse(const char *text, struct ip_addr *addr, uint16_t *port);

/** Reads six octets in hexadecimal with colons. @return 0 or -EINVAL. */
int mac_parse(const char *text, struct mac_addr *mac);

/** Writes the text form and returns `text`. */
const char *ip_addr_format(const struct ip_addr *addr, char text[IP_ADDR_TEXT_MAX]);
const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT_MAX]);
/** "192.0.2.1:5222" or "[2001:db8::1]:5222". */
const char *ip_addr_port_format(const struct ip_addr *addr, uint16_t port,
                                char text[IP_PORT_TEXT_MAX]);
const char *mac_format(const struct mac_addr *mac, char text[MAC_TEXT_MAX]);
