/* SPDX-License-Identifier: BSD-3-Clause */

/* Any frame as a guest's neighbour discovery message, as it is and with its checksum made right: an
 * answer is whole and right, goes to that guest, names the virtual router, and never claims an
 * address of the guest's own. */

#include "lib/net/checksum.h"
#include "slowpath/nd.h"
#include "tests/fuzz/guest.h"

static void
check_answer(const struct vif *vif, const struct frame *reply)
{
    const struct ip_addr own = GUEST_ADDRESS6;
    const size_t at = check_link(vif, reply);
    const uint8_t *message = reply->octets + at + sizeof(struct ipv6_header);
    struct ip_view ip;

    if (parse_ipv6(reply->octets + at, reply->length - at, reply->length - at, &ip) != PARSE_OK ||
        ip.total_length != reply->length - at || ip.transport != sizeof(struct ipv6_header) ||
        ip.v6->hop_limit != 255 || memcmp(ip.v6->source, vif->gateway6.octets, 16) != 0)
        abort();
    const size_t length = reply->length - at - sizeof(struct ipv6_header);
    if (checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, message, length) != 0)
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
    struct frame_view view;
    struct ip_view ip;

    run_frame(data, size);
    if (parse_frame(data, size, &view) != PARSE_OK ||
        parse_ipv6(data + view.l3_offset, size - view.l3_offset, size - view.l3_offset, &ip) !=
            PARSE_OK ||
        ip.transport == 0 || ip.transport + 4u > ip.total_length)
        return 0;

    uint8_t *octets = malloc(size);
    if (octets == NULL)
        abort();
    memcpy(octets, data, size);
    uint8_t *message = octets + view.l3_offset + ip.transport;
    memset(message + 2, 0, 2);
    const be16 sum = checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, message,
                                           ip.total_length - (size_t)ip.transport);
    memcpy(message + 2, &sum, sizeof(sum));
    run_frame(octets, size);
    free(octets);
    return 0;
}
