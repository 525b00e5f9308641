/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The payload of draft-ietf-l3vpn-end-system: <entry/> with NLRI, next hops, sequence number and
 * local preference. Where schema, examples and prose of the draft disagree: what is known is
 * checked strictly, what is unknown is tolerated, and what may be absent has a default.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/xmpp/dialect.h"

#define NS_L3VPN "urn:ietf:params:xml:ns:bgp:l3vpn:unicast"

static const struct {
    const char *name;
    uint8_t bit;
} encapsulation_names[] = {
    { "gre", ENCAP_GRE },
    { "udp", ENCAP_UDP },
    { "vxlan", ENCAP_VXLAN },
};

/* ---- Writing ---- */

static const char *
family_number(uint8_t family)
{
    return family == IP_V6 ? "2" : "1"; /* IANA address family numbers */
}

static void
write_number_leaf(struct xml_writer *writer, const char *open, uint32_t number, const char *close)
{
    xml_write(writer, open);
    xml_write_number(writer, number);
    xml_write(writer, close);
}

static void
write_next_hop(struct xml_writer *writer, const struct route_next_hop *hop)
{
    char addr[IP_ADDR_TEXT_MAX];

    xml_write(writer, "<next-hop>");
    xml_write_leaf(writer, "af", family_number(hop->addr.family));
    xml_write_leaf(writer, "address", ip_addr_format(&hop->addr, addr));
    write_number_leaf(writer, "<label>", hop->label, "</label>");
    xml_write(writer, "<tunnel-encapsulation-list>");
    for (size_t i = 0; i < sizeof(encapsulation_names) / sizeof(encapsulation_names[0]); i++) {
        if ((hop->encapsulations & encapsulation_names[i].bit) != 0)
            xml_write_leaf(writer, "tunnel-encapsulation", encapsulation_names[i].name);
    }
    xml_write(writer, "</tunnel-encapsulation-list></next-hop>");
}

static void
write_entry(struct xml_writer *writer, const struct route *route)
{
    char prefix[IP_PREFIX_TEXT_MAX];

    xml_write(writer, "<entry xmlns='" NS_L3VPN "'><nlri>");
    xml_write_leaf(writer, "af", family_number(route->prefix.addr.family));
    xml_write_leaf(writer, "address", ip_prefix_format(&route->prefix, prefix));
    xml_write(writer, "</nlri><next-hops>");
    for (unsigned i = 0; i < route->n_next_hops; i++)
        write_next_hop(writer, &route->next_hops[i]);
    xml_write(writer, "</next-hops>");
    write_number_leaf(writer, "<sequence-number>", route->sequence_number, "</sequence-number>");
    write_number_leaf(writer, "<local-preference>", route->local_preference, "</local-preference>");
    xml_write(writer, "</entry>");
}

/* ---- Reading ---- */

static bool __attribute__((format(printf, 2, 3)))
refuse(char why[DIALECT_WHY_MAX], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, DIALECT_WHY_MAX, format, arguments);
    va_end(arguments);
    return false;
}

/*
 * Finds the child `name`, at most one (xsd:all and xsd:sequence alike). False if there are several,
 * or none though it is required; `*child` is NULL if there is none.
 */
static bool
only_child(const struct xmpp_element *parent, const char *name, bool required,
           const struct xmpp_element **child, char why[DIALECT_WHY_MAX])
{
    *child = NULL;
    for (const struct xmpp_element *e = parent->first_child; e != NULL; e = e->next) {
        if (!xmpp_element_is(e, NS_L3VPN, name))
            continue;
        if (*child != NULL)
            return refuse(why, "more than one %s in %.32s", name, parent->name);
        *child = e;
    }
    if (*child == NULL && required)
        return refuse(why, "no %s in %.32s", name, parent->name);
    return true;
}

/* Reads the number in the child `name`; `*value` keeps its default if there is none. */
static bool
read_number(const struct xmpp_element *parent, const char *name, bool required, uint32_t min,
            uint32_t max, uint32_t *value, char why[DIALECT_WHY_MAX])
{
    const struct xmpp_element *child;
    uint32_t number;

    if (!only_child(parent, name, required, &child, why))
        return false;
    if (child == NULL)
        return true;
    if (text_parse_u32(child->text, max, &number) != 0 || number < min)
        return refuse(why, "bad %s \"%.24s\"", name, child->text);
    *value = number;
    return true;
}

/* Reads af: 1 is IPv4, 2 is IPv6. */
static bool
read_family(const struct xmpp_element *parent, uint8_t *family, char why[DIALECT_WHY_MAX])
{
    uint32_t number = 0;

    if (!read_number(parent, "af", true, 1, 2, &number, why))
        return false;
    *family = number == 1 ? IP_V4 : IP_V6;
    return true;
}

static bool
read_nlri(const struct xmpp_element *nlri, struct ip_prefix *prefix, char why[DIALECT_WHY_MAX])
{
    const struct xmpp_element *address;
    uint32_t safi = 1;
    uint8_t family;

    if (!read_family(nlri, &family, why) || !read_number(nlri, "safi", false, 1, 128, &safi, why) ||
        !only_child(nlri, "address", true, &address, why))
        return false;
    if (safi != 1 && safi != 128)
        return refuse(why, "bad safi %u", safi);
    switch (ip_prefix_parse(address->text, prefix)) {
    case 0:
        break;
    case -EDOM:
        return refuse(why, "prefix \"%.50s\" has host bits set", address->text);
    default:
        return refuse(why, "bad prefix \"%.50s\"", address->text);
    }
    if (prefix->addr.family != family)
        return refuse(why, "prefix \"%.50s\" is not of the family in af", address->text);
    return true;
}

/* The bits of the names that we know; the default where there is no list (D1, D13). */
static uint8_t
read_encapsulations(const struct xmpp_element *list)
{
    uint8_t bits = 0;

    if (list == NULL)
        return ENCAP_GRE;
    for (const struct xmpp_element *e = list->first_child; e != NULL; e = e->next) {
        if (!xmpp_element_is(e, NS_L3VPN, "tunnel-encapsulation"))
            continue;
        for (size_t i = 0; i < sizeof(encapsulation_names) / sizeof(encapsulation_names[0]); i++) {
            if (strcmp(e->text, encapsulation_names[i].name) == 0)
                bits |= encapsulation_names[i].bit;
        }
    }
    return bits;
}

static bool
read_next_hop(const struct xmpp_element *element, struct route_next_hop *hop,
              char why[DIALECT_WHY_MAX])
{
    const struct xmpp_element *address, *list;
    uint8_t family;

    if (!read_family(element, &family, why) ||
        !only_child(element, "address", true, &address, why) ||
        !read_number(element, "label", true, LABEL_MIN, LABEL_MAX, &hop->label, why) ||
        !only_child(element, "tunnel-encapsulation-list", false, &list, why))
        return false;
    if (ip_addr_parse(address->text, &hop->addr) != 0 || !ip_addr_is_unicast(&hop->addr))
        return refuse(why, "bad next hop \"%.46s\"", address->text);
    if (hop->addr.family != family)
        return refuse(why, "next hop \"%.46s\" is not of the family in af", address->text);
    hop->encapsulations = read_encapsulations(list);
    return true;
}

static bool
read_next_hops(const struct xmpp_element *list, struct route *route, char why[DIALECT_WHY_MAX])
{
    bool any = false;

    route->n_next_hops = 0;
    for (const struct xmpp_element *e = list->first_child; e != NULL; e = e->next) {
        struct route_next_hop hop;

        if (!xmpp_element_is(e, NS_L3VPN, "next-hop"))
            continue;
        if (!read_next_hop(e, &hop, why))
            return false;
        any = true;
        if (hop.encapsulations == 0)
            continue;
        if (route->n_next_hops == ROUTE_NEXT_HOPS_MAX)
            return refuse(why, "more than %u next hops", ROUTE_NEXT_HOPS_MAX);
        route->next_hops[route->n_next_hops++] = hop;
    }
    if (!any)
        return refuse(why, "no next-hop in next-hops");
    if (route->n_next_hops == 0)
        return refuse(why, "no next hop has an encapsulation that is known here");
    return true;
}

static bool
read_entry(const struct xmpp_element *item, struct route *route, char why[DIALECT_WHY_MAX])
{
    const struct xmpp_element *entry, *nlri, *next_hops;

    route->sequence_number = ROUTE_SEQUENCE_DEFAULT;
    route->local_preference = ROUTE_PREF_DEFAULT;
    return only_child(item, "entry", true, &entry, why) &&
           only_child(entry, "nlri", true, &nlri, why) && read_nlri(nlri, &route->prefix, why) &&
           only_child(entry, "next-hops", true, &next_hops, why) &&
           read_next_hops(next_hops, route, why) &&
           read_number(entry, "sequence-number", false, 0, UINT32_MAX, &route->sequence_number,
                       why) &&
           read_number(entry, "local-preference", false, 0, UINT32_MAX, &route->local_preference,
                       why);
}

const struct dialect dialect_draft = {
    .name = "draft",
    .write_entry = write_entry,
    .read_entry = read_entry,
};
