/* SPDX-License-Identifier: BSD-3-Clause */

/* The words of a description: see description.h. What is wrong is told with its place. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/description_header.h"
#include "lib/net/headers.h"

#define WORD_MAX 64

#define PROTOCOL_EXPERIMENT 253 /* RFC 3692 */

static const struct protocol protocols[] = {
    { "udp", SHAPE_UDP, IP_PROTOCOL_UDP },      { "tcp", SHAPE_TCP, IP_PROTOCOL_TCP },
    { "icmp", SHAPE_ICMP, IP_PROTOCOL_ICMP },   { "icmp6", SHAPE_ICMP, IP_PROTOCOL_ICMPV6 },
    { "ip", SHAPE_OTHER, PROTOCOL_EXPERIMENT }, { "gre", SHAPE_GRE, IP_PROTOCOL_GRE },
    { "vxlan", SHAPE_VXLAN, IP_PROTOCOL_UDP },
};

struct reader {
    const char *text, *at; /* the whole, and what is still to be read */
    const char *begin;     /* of the word at hand */
    char word[WORD_MAX];   /* empty: the text's end */
    char *problem;
};

static bool __attribute__((format(printf, 2, 3)))
refuse(const struct reader *reader, const char *format, ...)
{
    va_list arguments;
    int length = snprintf(reader->problem, DESCRIPTION_PROBLEM_MAX,
                          "character %zu: ", (size_t)(reader->begin - reader->text) + 1);

    va_start(arguments, format);
    vsnprintf(reader->problem + length, DESCRIPTION_PROBLEM_MAX - (size_t)length, format,
              arguments);
    va_end(arguments);
    return false;
}

/* The next word; ">" and "/" are words of their own. @return false if it is too long for one. */
static bool
next(struct reader *reader)
{
    size_t length;

    reader->at += strspn(reader->at, " \t\n");
    reader->begin = reader->at;
    length = strcspn(reader->at, " \t\n>/");
    if (length == 0 && *reader->at != '\0')
        length = 1;
    if (length >= WORD_MAX)
        return refuse(reader, "a word of more than %d characters", WORD_MAX - 1);
    memcpy(reader->word, reader->at, length);
    reader->word[length] = '\0';
    reader->at += length;
    return true;
}

static bool
is(const struct reader *reader, const char *word)
{
    return strcmp(reader->word, word) == 0;
}

static bool
read_address(struct reader *reader, const struct protocol *protocol, struct ip_addr *address,
             uint32_t *port)
{
    char text[WORD_MAX], *colon = NULL, *start = text;

    snprintf(text, sizeof(text), "%s", reader->word);
    if (text[0] == '[') {
        char *end = strchr(text, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return refuse(reader, "expected [ADDRESS]:PORT");
        *end = '\0';
        start = text + 1;
        colon = end[1] == ':' ? end + 1 : NULL;
    } else if (strchr(text, ':') == strrchr(text, ':')) {
        colon = strchr(text, ':'); /* one alone: not of IPv6 */
    }
    if (colon != NULL) {
        *colon = '\0';
        if (protocol->shape != SHAPE_UDP && protocol->shape != SHAPE_TCP &&
            protocol->shape != SHAPE_VXLAN)
            return refuse(reader, "only udp, tcp and vxlan have ports");
        if (text_parse_u32(colon + 1, UINT16_MAX, port) != 0)
            return refuse(reader, "expected a port from 0 to 65535");
    }
    if (ip_addr_parse(start, address) != 0)
        return refuse(reader, "expected an IPv4 or IPv6 address, or ADDRESS:PORT");
    return next(reader);
}

static bool
find_word(const struct description_word *words, const char *name, uint32_t *value)
{
    for (; words->name != NULL; words++) {
        if (strcmp(words->name, name) == 0) {
            *value = words->value;
            return true;
        }
    }
    return false;
}

static bool
read_flags(struct reader *reader, uint32_t *flags)
{
    char *rest = reader->word, *name;
    uint32_t flag;

    *flags = 0;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (!find_word(tcp_flag_words, name, &flag))
            return refuse(reader, "expected a list of fin, syn, rst, psh, ack, urg, ece, cwr");
        *flags |= flag;
    }
    return next(reader);
}

static bool
read_mac(struct reader *reader, struct mac_addr *mac, bool *given)
{
    if (mac_parse(reader->word, mac) != 0)
        return refuse(reader, "expected a MAC address");
    *given = true;
    return next(reader);
}

/* A word that has a value after it, or stands for itself. */
static bool
read_word(struct reader *reader, struct header *header)
{
    const struct {
        const char *name;
        uint32_t *value, max;
        const struct description_word *words;
    } numbers[] = {
        { "ttl", &header->ttl, UINT8_MAX, NULL },
        { "size", &header->size, DESCRIPTION_PACKET_MAX, NULL },
        { "id", &header->id, UINT16_MAX, NULL },
        { "dscp", &header->dscp, 63, dscp_words },
        { "ecn", &header->ecn, 3, ecn_words },
        { "fragment", &header->fragment, 65528, NULL },
        { "protocol", &header->number, UINT8_MAX, NULL },
        { "mss", &header->mss, UINT16_MAX, NULL },
        { "type", &header->type, UINT8_MAX, NULL },
        { "code", &header->code, UINT8_MAX, NULL },
        { "label", &header->label, 0xffffff, NULL },
    };
    char name[WORD_MAX];

    if (is(reader, "df") || is(reader, "more")) {
        *(is(reader, "df") ? &header->df : &header->more) = true;
        return next(reader);
    }
    memcpy(name, reader->word, sizeof(name));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        if (!next(reader))
            return false;
        if ((numbers[i].words == NULL ||
             !find_word(numbers[i].words, reader->word, numbers[i].value)) &&
            text_parse_u32(reader->word, numbers[i].max, numbers[i].value) != 0)
            return refuse(reader, "%s: expected a number up to %u", name, numbers[i].max);
        return next(reader);
    }
    if (strcmp(name, "flags") == 0)
        return next(reader) && read_flags(reader, &header->flags);
    if (strcmp(name, "from") == 0)
        return next(reader) && read_mac(reader, &header->from, &header->has_from);
    if (strcmp(name, "to") == 0)
        return next(reader) && read_mac(reader, &header->to, &header->has_to);
    return refuse(reader, "unknown word '%s'", name);
}

/* What one word cannot know of the others. */
static bool
check_header(const struct reader *reader, const struct header *header)
{
    const bool v6 = header->source.family == IP_V6;
    const bool tunnel = header->label != NOT_GIVEN;

    if (header->source.family != header->destination.family)
        return refuse(reader, "one address is IPv4, the other one IPv6");
    if (header->protocol->shape == SHAPE_ICMP &&
        v6 != (header->protocol->number == IP_PROTOCOL_ICMPV6))
        return refuse(reader, "icmp is for IPv4, icmp6 for IPv6");
    if (header->protocol->shape != SHAPE_VXLAN && tunnel && header->label > 0xfffff)
        return refuse(reader, "label: expected a number up to %u", 0xfffffu);
    if (header->fragment != NOT_GIVEN && header->fragment % 8 != 0)
        return refuse(reader, "fragment: expected a multiple of 8");
    if (is(reader, "/") && !tunnel)
        return refuse(reader, "label: missing before '/'");
    if (!is(reader, "/") && (tunnel || header->protocol->shape == SHAPE_VXLAN))
        return refuse(reader, "expected '/' and the packet in the tunnel");
    return true;
}

static bool
read_header(struct reader *reader, struct header *header)
{
    const size_t n = sizeof(protocols) / sizeof(protocols[0]);
    size_t i = 0;

    memset(header, 0, sizeof(*header));
    header->source_port = header->destination_port = NOT_GIVEN;
    header->ttl = header->size = header->id = header->dscp = header->ecn = NOT_GIVEN;
    header->fragment = header->number = header->flags = header->mss = NOT_GIVEN;
    header->type = header->code = header->label = NOT_GIVEN;
    while (i < n && !is(reader, protocols[i].name))
        i++;
    if (i == n)
        return refuse(reader, "expected udp, tcp, icmp, icmp6, ip, gre or vxlan");
    header->protocol = &protocols[i];
    if (!next(reader) ||
        !read_address(reader, header->protocol, &header->source, &header->source_port))
        return false;
    if (!is(reader, ">"))
        return refuse(reader, "expected '>' between the addresses");
    if (!next(reader) ||
        !read_address(reader, header->protocol, &header->destination, &header->destination_port))
        return false;
    while (!is(reader, "") && !is(reader, "/")) {
        if (!read_word(reader, header))
            return false;
    }
    return check_header(reader, header);
}

unsigned
description_read(const char *text, struct header headers[DESCRIPTION_HEADERS_MAX],
                 char problem[DESCRIPTION_PROBLEM_MAX])
{
    struct reader reader = { .text = text, .at = text, .problem = problem };
    unsigned n = 0;

    do {
        if (n == DESCRIPTION_HEADERS_MAX) {
            refuse(&reader, "a tunnel in a tunnel in a tunnel");
            return 0;
        }
        if (!next(&reader) || !read_header(&reader, &headers[n]))
            return 0;
        n++;
    } while (is(&reader, "/"));
    return n;
}
