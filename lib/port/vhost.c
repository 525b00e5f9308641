/* SPDX-License-Identifier: BSD-3-Clause */

/* The socket of a vhost-user port, and what a guest is offered on it: see vhost.h. */

#include "lib/port/vhost.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_vhost.h>

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
