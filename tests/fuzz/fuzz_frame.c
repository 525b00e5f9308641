/* SPDX-License-Identifier: BSD-3-Clause */

/* Frames from guests: Ethernet, tag, IP of either family and the flow hash, from octets in a block
 * of exactly their size. What a view promises is checked against the octets. */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check(const struct ip_view *ip, size_t here, size_t length)
{
    const size_t header_min = ip->family == IP_V4 ? 20 : 40;

    must(ip->header_length >= header_min && ip->header_length <= here);
    must(ip->total_length >= ip->header_length && ip->total_length <= length);
    must(ip->transport == 0 || ip->transport >= ip->header_length);
    (void)parse_flow_hash(ip, here);
    (void)parse_is_nd(ip, here);
    (void)parse_is_icmp_error(ip, here);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *octets = malloc(size == 0 ? 1 : size);
    struct frame_view frame;
    struct ip_view ip;

    if (octets == NULL)
        return 0;
    if (size > 0)
        memcpy(octets, data, size);
    if (parse_frame(octets, size, &frame) != PARSE_OK)
        goto done;
    if (frame.l3_offset > size || frame.vlan > VLAN_ID_MASK)
        abort();

    const size_t here = size - frame.l3_offset;

    for (size_t beyond = 0; beyond < 3; beyond++) { /* the rest in other segments */
        const uint8_t *start = octets + frame.l3_offset;
        const size_t length = here + beyond * 700;

        if (parse_ipv4(start, here, length, &ip) == PARSE_OK)
            check(&ip, here, length);
        if (parse_ipv6(start, here, length, &ip) == PARSE_OK)
            check(&ip, here, length);
    }
done:
    free(octets);
    return 0;
}
