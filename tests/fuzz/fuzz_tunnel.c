/* SPDX-License-Identifier: BSD-3-Clause */

/* Tunnelled packets: from the outer IP header to the inner one, from octets in a block of exactly
 * their size. The outer header's checksum is made right, so that it does not hide what follows. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "lib/net/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
make_checksum_right(uint8_t *octets, size_t size)
{
    const size_t length = size == 0 ? 0 : (octets[0] & 15u) * 4;
    be16 checksum;

    if (length < IPV4_HEADER_MIN || length > size)
        return;
    memset(octets + offsetof(struct ipv4_header, checksum), 0, sizeof(checksum));
    checksum = checksum_ipv4(octets, length);
    memcpy(octets + offsetof(struct ipv4_header, checksum), &checksum, sizeof(checksum));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *octets = malloc(size == 0 ? 1 : size);
    struct ip_view outer, inner;
    struct tunnel_view tunnel;

    if (octets == NULL)
        return 0;
    if (size > 0)
        memcpy(octets, data, size);
    make_checksum_right(octets, size);
    for (size_t beyond = 0; beyond < 3; beyond++) {
        if (parse_ip(octets, size, size + beyond * 700, &outer) != PARSE_OK)
            continue;
        (void)parse_flow_hash(&outer, size);
        if (parse_is_nd(&outer, size) && outer.transport >= size)
            abort();
        if (parse_tunnel(&outer, size, &tunnel) != PARSE_OK)
            continue;
        if (!parse_is_tunnel(&outer, size) || tunnel.inner_offset > size ||
            tunnel.inner_offset > outer.total_length ||
            tunnel.label >= (tunnel.encapsulation == ENCAP_VXLAN ? 1u << 24 : 1u << 20))
            abort();
        if (parse_ip(octets + tunnel.inner_offset, size - tunnel.inner_offset,
                     (size_t)outer.total_length - tunnel.inner_offset, &inner) == PARSE_OK)
            (void)parse_flow_hash(&inner, size - tunnel.inner_offset);
    }
    free(octets);
    return 0;
}
