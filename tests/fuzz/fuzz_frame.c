/* SPDX-License-Identifier: BSD-3-Clause */

/* Frames from guests: Ethernet, tag, IPv4 and the flow hash, from octets in a block of exactly
 * their size. What a view promises is checked against the octets. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
        if (parse_ipv4(octets + frame.l3_offset, here, here + beyond * 700, &ip) != PARSE_OK)
            continue;
        if (ip.header_length < 20 || ip.header_length > here ||
            ip.total_length < ip.header_length || ip.total_length > here + beyond * 700)
            abort();
        (void)parse_flow_hash(&ip, here);
    }
done:
    free(octets);
    return 0;
}
