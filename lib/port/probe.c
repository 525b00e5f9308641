/* SPDX-License-Identifier: BSD-3-Clause */

/* From a specification to a DPDK device that is plugged in: see probe.h. */

#include "lib/port/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "lib/port/kernel.h"
#include "lib/port/vhost.h"

#define AF_PACKET_FRAMES 1024
#define AF_PACKET_BLOCK  4 /* frames: with frames of n x 1024 octets a whole number of pages */

int
port_refuse(int code, char *error, size_t error_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return code;
}

int
port_driver_error(int status)
{
    return status == -1 ? -EIO : status;
}

const char *
port_driver_error_text(int status)
{
    return status == -1 ? "the log says more" : rte_strerror(-status);
}

/* Makes way for a socket that a driver will listen on: the directory must be there, and what a dead
 * process left behind is removed. */
static int
socket_precheck(const char *path, bool shared, char *error, size_t error_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char directory[PORT_SPEC_MAX];
    struct stat status;
    int fd, answer;

    snprintf(directory, sizeof(directory), "%s", path);
    *strrchr(directory, '/') = '\0';
    if (directory[0] != '\0' && access(directory, W_OK) < 0)
        return port_refuse(-errno, error, error_size, "%s: %s", directory, strerror(errno));
    if (lstat(path, &status) < 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return port_refuse(-EEXIST, error, error_size, "%s exists and is no socket", path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    answer = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    close(fd);
    if (answer == -ECONNREFUSED)
        unlink(path);
    else if (answer == 0 && !shared)
        return port_refuse(-EEXIST, error, error_size, "%s: somebody listens there already", path);
    return 0;
}

/* What can be said in clearer words than a driver's. */
static int
spec_precheck(const struct port_spec *spec, char *error, size_t error_size)
{
    switch (spec->kind) {
    case PORT_TAP:
        if (access("/dev/net/tun", R_OK | W_OK) < 0)
            return port_refuse(-errno, error, error_size, "/dev/net/tun: %s", strerror(errno));
        if (kernel_interface_exists(spec->target))
            return port_refuse(-EEXIST, error, error_size, "the kernel has an interface %s already",
                               spec->target);
        return 0;
    case PORT_AF_PACKET:
    case PORT_AF_XDP:
        if (!kernel_interface_exists(spec->target))
            return port_refuse(-ENODEV, error, error_size, "the kernel has no interface %s",
                               spec->target);
        return 0;
    case PORT_MEMIF: /* several ports, told apart by their id, share a socket */
    case PORT_VHOST:
        if (spec->client)
            return 0;
        return socket_precheck(spec->target, spec->kind == PORT_MEMIF, error, error_size);
    case PORT_PCAP:
        if (access(spec->target, R_OK) < 0)
            return port_refuse(-errno, error, error_size, "%s: %s", spec->target, strerror(errno));
        return 0;
    default:
        return 0;
    }
}

/* The bus, the device's name and its arguments; device names are never used twice. */
static void
device_describe(const struct port_spec *spec, struct rte_mempool *pool, const char **bus,
                char *name, size_t name_size, char *arguments, size_t size)
{
    static _Atomic unsigned serial;
    unsigned number = atomic_fetch_add(&serial, 1);
    char path[VHOST_PATH_MAX];
    unsigned frame;

    *bus = "vdev";
    arguments[0] = '\0';
    switch (spec->kind) {
    case PORT_TAP:
        snprintf(name, name_size, "net_tap%u", number);
        snprintf(arguments, size, "iface=%s", spec->target);
        break;
    case PORT_AF_PACKET:
        frame = RTE_ALIGN_FLOOR(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM, 1024);
        snprintf(name, name_size, "net_af_packet%u", number);
        /* through the queueing discipline: else tcpdump there does not see what is sent */
        snprintf(arguments, size,
                 "iface=%s,qpairs=1,framesz=%u,blocksz=%u,framecnt=%u,qdisc_bypass=0", spec->target,
                 frame, frame * AF_PACKET_BLOCK, AF_PACKET_FRAMES);
        break;
    case PORT_AF_XDP:
        snprintf(name, name_size, "net_af_xdp%u", number);
        snprintf(arguments, size, "iface=%s,start_queue=0,queue_count=1", spec->target);
        break;
    case PORT_MEMIF:
        snprintf(name, name_size, "net_memif%u", number);
        snprintf(arguments, size, "socket=%s,socket-abstract=no,id=%u,role=%s", spec->target,
                 spec->id, spec->client ? "client" : "server");
        break;
    case PORT_VHOST:
        snprintf(name, name_size, "net_vhost%u", number);
        vhost_prepare(spec, path);
        snprintf(arguments, size, "iface=%s,queues=1,client=%d,tso=1", path, spec->client);
        break;
    case PORT_PCAP:
        snprintf(name, name_size, "net_pcap%u", number);
        snprintf(arguments, size, "rx_pcap=%s,tx_pcap=%s%s", spec->target, spec->second,
                 spec->loop ? ",infinite_rx=1" : "");
        break;
    case PORT_NULL:
        snprintf(name, name_size, "net_null%u", number);
        snprintf(arguments, size, "no-rx=1");
        break;
    case PORT_PCI:
        *bus = "pci";
        snprintf(name, name_size, "%.12s", spec->target);
        break;
    }
}

int
port_probe(const struct port_spec *spec, struct rte_mempool *pool, uint16_t *ethdev, char *error,
           size_t error_size)
{
    char name[RTE_ETH_NAME_MAX_LEN], arguments[PORT_SPEC_MAX * 2 + 128];
    const char *bus;
    int status = spec_precheck(spec, error, error_size);

    if (status < 0)
        return status;
    if (rte_eth_dev_count_avail() >= RTE_MAX_ETHPORTS)
        return port_refuse(-ENOSPC, error, error_size,
                           "all %d ports of this DPDK are in use: let interfaces share a port by "
                           "802.1Q tags",
                           RTE_MAX_ETHPORTS);
    device_describe(spec, pool, &bus, name, sizeof(name), arguments, sizeof(arguments));
    status = rte_eal_hotplug_add(bus, name, arguments);
    if (status == 0)
        status = rte_eth_dev_get_port_by_name(name, ethdev);
    if (status < 0)
        return port_refuse(port_driver_error(status), error, error_size, "DPDK cannot open it: %s",
                           port_driver_error_text(status));
    return 0;
}
