/* SPDX-License-Identifier: BSD-3-Clause */

/* Any frame as a guest's neighbour discovery message, as it is and with its checksum made right: an
 * answer is whole and right, goes to that guest, names the virtual router, and never claims an
 * address of the guest's own. */

#include "slowpath/nd.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/icmp6.h"

static void
check_answer(const struct vif *vif, const struct frame *reply)
{
    const struct ip_addr own = GUEST_ADDRESS6;
    const size_t at = check_link(vif, reply);
    struct ip_view ip;
    size_t length;
    const uint8_t *message = icmp6_check(reply, at, &ip, &length);

    if (ip.v6->hop_limit != 255 || memcmp(ip.v6->source, vif->gateway6.octets, 16) != 0)
        abort();
    if (message[0] == ND_NEIGHBOUR_ADVERTISEMENT) {
        if (length != 32 || memcmp(message + 26, &vif->gateway_mac6, 6) != 0 ||
            memcmp(message + 8, own.octets, 16) == 0)
            abort();
    } else if (message[0] != ND_ROUTER_ADVERTISEMENT || length != 32) {
        abort();
    }
}

static void
run_frame(const uint8_t *octets, size_t size)
{
    static const uint16_t vlans[] = { VLAN_UNTAGGED, 100 };
    static struct frame reply;

    for (unsigned i = 0; i < 2; i++) {
        const struct vif vif = guest_vif(vlans[i]);

        if (nd_answer(&vif, octets, size, &reply) == PARSE_OK)
            check_answer(&vif, &reply);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *right = icmp6_made_right(data, size);

    run_frame(data, size);
    if (right != NULL)
        run_frame(right, size);
    free(right);
    return 0;
}
