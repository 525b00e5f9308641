/* SPDX-License-Identifier: BSD-3-Clause */

/* Any octets as a guest's frame, and as the DHCP message in an otherwise right frame: an answer is
 * whole, no longer than any client takes, and its options end within it. */

#include "lib/net/checksum.h"
#include "slowpath/dhcp4.h"
#include "tests/fuzz/guest.h"

#define HEADERS (14 + 20 + 8)
#define OPTIONS 240

static struct frame reply;

static void
check_answer(const struct vif *vif)
{
    size_t at = check_link(vif, &reply);

    if (reply.length - at > 576 || reply.length - at < 28 + DHCP4_MESSAGE_MIN)
        abort();
    if (checksum_ipv4(reply.octets + at, 20) != 0)
        abort();
    for (at += 28 + OPTIONS; at < reply.length; at += 2u + reply.octets[at + 1]) {
        if (reply.octets[at] == DHCP4_OPTION_END)
            return;
        if (at + 2 > reply.length)
            abort();
    }
    abort(); /* no end */
}

static void
run_frame(const uint8_t *octets, size_t size)
{
    const struct vif vif = guest_vif(VLAN_UNTAGGED);
    uint8_t type;

    if (dhcp4_answer(&vif, octets, size, &type, &reply) == PARSE_OK && reply.length > 0)
        check_answer(&vif);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vif vif = guest_vif(VLAN_UNTAGGED);

    run_frame(data, size);
    if (size > 1472)
        return 0;

    struct eth_header eth = { MAC_BROADCAST, vif.mac, htobe16(ETHERTYPE_IPV4) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16((uint16_t)(28 + size)),
        .ttl = 64,
        .protocol = IP_PROTOCOL_UDP,
        .destination = UINT32_MAX,
    };
    const struct udp_header udp = {
        .source_port = htobe16(68),
        .destination_port = htobe16(67),
        .length = htobe16((uint16_t)(8 + size)),
    };
    uint8_t *octets = malloc(HEADERS + size);
    if (octets == NULL)
        abort();
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(octets, &eth, sizeof(eth));
    memcpy(octets + 14, &ip, sizeof(ip));
    memcpy(octets + 34, &udp, sizeof(udp));
    memcpy(octets + HEADERS, data, size);
    run_frame(octets, HEADERS + size);
    free(octets);
    return 0;
}
