/* SPDX-License-Identifier: BSD-3-Clause */

/* Any octets as what an ICMP error quotes: what is read as a tunnel packet has headers that say so.
 */

#include <stdlib.h>

#include "slowpath/path_mtu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quoted_tunnel quoted;

    if (!quoted_tunnel_parse(data, size, &quoted))
        return 0;
    if (quoted.source.family != quoted.destination.family)
        abort();
    switch (quoted.source.family) {
    case IP_V4:
        if (size < 28 || data[0] != 0x45 || quoted.length > UINT16_MAX)
            abort();
        break;
    case IP_V6:
        if (size < 48 || data[0] >> 4 != 6 || quoted.length < 40)
            abort();
        break;
    default:
        abort();
    }
    return 0;
}
