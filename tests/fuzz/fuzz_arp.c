/* SPDX-License-Identifier: BSD-3-Clause */

/* Any frame as a guest's ARP packet: an answer goes to that guest, names the virtual router, and is
 * never about an address of the guest's own. */

#include "lib/net/headers.h"
#include "slowpath/arp.h"
#include "tests/fuzz/guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t vlans[] = { VLAN_UNTAGGED, 100 };
    static struct frame reply;

    for (unsigned i = 0; i < 2; i++) {
        const struct vif vif = guest_vif(vlans[i]);
        struct arp_header arp;

        if (arp_answer(&vif, data, size, &reply) != PARSE_OK)
            continue;
        const size_t at = check_link(&vif, &reply);
        if (reply.length != at + sizeof(arp))
            abort();
        memcpy(&arp, reply.octets + at, sizeof(arp));
        if (memcmp(&arp.sender_mac, &vif.gateway_mac, 6) != 0 ||
            be32toh(arp.sender_address) == GUEST_ADDRESS)
            abort();
    }
    return 0;
}
