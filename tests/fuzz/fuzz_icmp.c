/* SPDX-License-Identifier: BSD-3-Clause */

/* Any frame of a guest as one for the gateway and as one that cannot be forwarded, as it is and
 * with its checksums made right: what is sent is whole, right, and within its bound. */

#include "lib/net/checksum.h"
#include "slowpath/icmp.h"
#include "tests/fuzz/guest.h"

static struct frame reply;

static void
check_answer(const struct vif *vif, size_t bound)
{
    const size_t at = check_link(vif, &reply);
    struct ip_view ip;

    if (parse_ipv4(reply.octets + at, reply.length - at, reply.length - at, &ip) != PARSE_OK ||
        ip.total_length != reply.length - at || ip.total_length > bound)
        abort();
    if (checksum_finish(checksum_add(0, reply.octets + at + 20, reply.length - at - 20)) != 0)
        abort();
}

static void
run_frame(const uint8_t *octets, size_t size)
{
    const struct icmp_error errors[] = {
        { ICMP_TIME_EXCEEDED, ICMP_CODE_TTL, 0 },
        { ICMP_UNREACHABLE, ICMP_CODE_FRAGMENTATION_NEEDED, 1400 },
    };
    const struct vif vif = guest_vif(100);
    const struct link_address link = link_to_guest(&vif, IP_V4);
    struct frame_view view;
    struct ip_view ip;

    if (parse_frame(octets, size, &view) != PARSE_OK)
        return;
    if (icmp_echo_answer(octets, size, view.l3_offset, &link, vif.mtu, NULL, &reply) == PARSE_OK)
        check_answer(&vif, vif.mtu);
    octets += view.l3_offset;
    size -= view.l3_offset;
    if (parse_ipv4(octets, size, size, &ip) != PARSE_OK)
        return;
    for (unsigned i = 0; i < 2; i++) {
        frame_begin(&reply, &link, ETHERTYPE_IPV4);
        if (icmp_error_add(&errors[i], &vif.gateway, &ip, size, &reply))
            check_answer(&vif, 576);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipv4_header ip;

    run_frame(data, size);
    if (size < 14 + sizeof(ip) || size > 65535)
        return 0;

    uint8_t *octets = malloc(size);
    if (octets == NULL)
        abort();
    memcpy(octets, data, size);
    memcpy(octets + 12, "\x08\x00", 2);
    memcpy(&ip, octets + 14, sizeof(ip));
    const size_t header_length = (size_t)(ip.version_ihl & 0xf) * 4;
    if (header_length < sizeof(ip) || 14 + header_length + 8 > size)
        goto end;
    ip.total_length = htobe16((uint16_t)(size - 14));
    ip.checksum = 0;
    memcpy(octets + 14, &ip, sizeof(ip));
    ip.checksum = checksum_ipv4(octets + 14, header_length);
    memcpy(octets + 14, &ip, sizeof(ip));

    uint8_t *message = octets + 14 + header_length;
    memset(message + 2, 0, 2);
    const be16 sum = checksum_finish(checksum_add(0, message, size - 14 - header_length));
    memcpy(message + 2, &sum, sizeof(sum));
    run_frame(octets, size);
end:
    free(octets);
    return 0;
}
