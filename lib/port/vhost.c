/* SPDX-License-Identifier: BSD-3-Clause */

/* The socket of a vhost-user port, what a guest is offered on it and what it took: see vhost.h. */

#include "lib/port/vhost.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eth_vhost.h>
#include <rte_ethdev.h>
#include <rte_vhost.h>

#include "lib/port/port.h"

/* Stays within a socket's path: port_spec_parse() leaves room for it. */
static void
driver_path(const struct port_spec *spec, char path[VHOST_PATH_MAX])
{
    snprintf(path, VHOST_PATH_MAX, "%.105s.m", spec->target);
}

void
vhost_prepare(const struct port_spec *spec, char path[VHOST_PATH_MAX])
{
    driver_path(spec, path);
    unlink(path); /* of a process that died */
}

/* The offer is what the guest may leave undone. */
static int
offer_cut(const char *path)
{
    const uint64_t undone =
        1ULL << VIRTIO_NET_F_GSO | 1ULL << VIRTIO_NET_F_HOST_ECN | 1ULL << VIRTIO_NET_F_HOST_UFO;

    return rte_vhost_driver_disable_features(path, undone) < 0 ? -EIO : 0;
}

/* What a guest with these features takes: packets without their checksum, TCP as it was not cut. */
static uint8_t
offloads_of(uint64_t features)
{
    uint8_t offloads = 0;

    if ((features & 1ULL << VIRTIO_NET_F_GUEST_CSUM) == 0)
        return 0;
    offloads |= PORT_CHECKSUM;
    if ((features & 1ULL << VIRTIO_NET_F_GUEST_TSO4) != 0)
        offloads |= PORT_SEGMENTS_V4;
    if ((features & 1ULL << VIRTIO_NET_F_GUEST_TSO6) != 0)
        offloads |= PORT_SEGMENTS_V6;
    return offloads;
}

/* A guest came, or went: the driver says either after it has stopped or before it begins to take
 * packets for it. */
static int
guest_changed(uint16_t ethdev, enum rte_eth_event_type event, void *argument, void *result)
{
    _Atomic uint8_t *offloads = argument;
    const int guest = rte_eth_vhost_get_vid_from_port_id(ethdev);
    uint64_t features = 0;

    (void)event, (void)result;
    if (guest < 0 || rte_vhost_get_negotiated_features(guest, &features) != 0)
        features = 0;
    atomic_store_explicit(offloads, offloads_of(features), memory_order_relaxed);
    return 0;
}

int
vhost_follow(uint16_t ethdev, _Atomic uint8_t *offloads)
{
    return rte_eth_dev_callback_register(ethdev, RTE_ETH_EVENT_INTR_LSC, guest_changed, offloads);
}

void
vhost_unfollow(uint16_t ethdev, _Atomic uint8_t *offloads)
{
    /* it may be running just now */
    while (rte_eth_dev_callback_unregister(ethdev, RTE_ETH_EVENT_INTR_LSC, guest_changed,
                                           offloads) == -EAGAIN)
        sched_yield();
}

int
vhost_publish(const struct port_spec *spec)
{
    char path[VHOST_PATH_MAX];
    int error;

    driver_path(spec, path);
    error = offer_cut(path);
    if (error < 0)
        return error;
    if (spec->client)
        return symlink(spec->target, path) < 0 ? -errno : 0;
    /* a second name and not another: what somebody else listens on stays as it is */
    if (link(path, spec->target) < 0)
        return -errno;
    unlink(path);
    return 0;
}

void
vhost_withdraw(const struct port_spec *spec)
{
    char path[VHOST_PATH_MAX];

    driver_path(spec, path);
    unlink(spec->client ? path : spec->target);
}
