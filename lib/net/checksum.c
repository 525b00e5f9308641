/* SPDX-License-Identifier: BSD-3-Clause */

/* The Internet checksum: see checksum.h. */

#include "lib/net/checksum.h"

#include <string.h>

uint64_t
checksum_add(uint64_t sum, const void *data, size_t length)
{
    const uint8_t *octets = data;

    for (; length >= 4; octets += 4, length -= 4) {
        uint32_t words;
        memcpy(&words, octets, sizeof(words));
        sum += words;
    }
    uint32_t rest = 0;
    memcpy(&rest, octets, length);
    return sum + rest;
}

be16
checksum_finish(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (be16)~sum;
}

be16
checksum_ipv4(const void *header, size_t length)
{
    uint32_t words[IPV4_HEADER_MIN / 4];

    if (length != sizeof(words))
        return checksum_finish(checksum_add(0, header, length));
    /* nearly every header has this length: no loop */
    memcpy(words, header, sizeof(words));
    uint64_t sum = (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    return (be16) ~((sum & 0xffff) + (sum >> 16));
}

uint64_t
checksum_pseudo_v4(const struct ipv4_header *ip, size_t length)
{
    struct {
        be32 source, destination;
        uint8_t zero, protocol;
        be16 length;
    } __attribute__((packed)) pseudo = {
        ip->source, ip->destination, 0, ip->protocol, htobe16((uint16_t)length),
    };

    return checksum_add(0, &pseudo, sizeof(pseudo));
}

uint64_t
checksum_pseudo_v6(const struct ipv6_header *ip, uint8_t protocol, size_t length)
{
    struct {
        uint8_t source[16], destination[16];
        be32 length;
        uint8_t zero[3], protocol;
    } __attribute__((packed)) pseudo = {
        .length = htobe32((uint32_t)length),
        .protocol = protocol,
    };

    memcpy(pseudo.source, ip->source, sizeof(pseudo.source));
    memcpy(pseudo.destination, ip->destination, sizeof(pseudo.destination));
    return checksum_add(0, &pseudo, sizeof(pseudo));
}

be16
checksum_transport_v4(const struct ipv4_header *ip, const void *segment, size_t length)
{
    return checksum_finish(checksum_add(checksum_pseudo_v4(ip, length), segment, length));
}

be16
checksum_transport_v6(const struct ipv6_header *ip, uint8_t protocol, const void *segment,
                      size_t length)
{
    return checksum_finish(checksum_add(checksum_pseudo_v6(ip, protocol, length), segment, length));
}
