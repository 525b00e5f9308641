/* SPDX-License-Identifier: BSD-3-Clause */

/* Any frame of a guest as an IPv6 one for the gateway and as one that cannot be forwarded, as it is
 * and with its checksum made right: what is sent is whole, right, and within its bound. */

#include "slowpath/icmp6.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/icmp6.h"

static struct frame reply;

static void
check_answer(const struct vif *vif, size_t bound)
{
    struct ip_view ip;
    size_t length;

    (void)icmp6_check(&reply, check_link(vif, &reply), &ip, &length);
    if (ip.total_length > bound)
        abort();
}

static void
run_frame(const uint8_t *octets, size_t size)
{
    const struct icmp_error errors[] = {
        { .type = ICMP6_TIME_EXCEEDED },
        { .type = ICMP6_TOO_BIG, .mtu = 1400 },
    };
    const struct vif vif = guest_vif(100);
    const struct link_address link = link_to_guest(&vif, IP_V6);
    struct frame_view view;
    struct ip_view ip;

    if (parse_frame(octets, size, &view) != PARSE_OK)
        return;
    if (icmp6_echo_answer(octets, size, view.l3_offset, &link, vif.mtu, NULL, &reply) == PARSE_OK)
        check_answer(&vif, vif.mtu);
    octets += view.l3_offset;
    size -= view.l3_offset;
    if (parse_ipv6(octets, size, size, &ip) != PARSE_OK)
        return;
    for (unsigned i = 0; i < 2; i++) {
        frame_begin(&reply, &link, ETHERTYPE_IPV6);
        if (icmp6_error_add(&errors[i], &vif.gateway6, &ip, size, &reply))
            check_answer(&vif, IPV6_MTU_MIN);
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
