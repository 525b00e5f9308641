/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The ethdev backend: a specification becomes a DPDK device with one receive and one transmit
 * queue. Devices come and go at run time by hot-plug; nothing here touches a port that a worker
 * polls.
 */

#define LOG_AREA "port"

#include "lib/port/port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>

#include "lib/base/log.h"
#include "lib/port/kernel.h"
#include "lib/port/vhost.h"

#define RX_DESCRIPTORS     512
#define TX_DESCRIPTORS     512
#define TAP_RX_DESCRIPTORS 16 /* net_tap keeps a buffer for each to scatter one frame into */
#define AF_PACKET_FRAMES   1024
#define AF_PACKET_BLOCK    4   /* frames: with frames of n x 1024 octets a whole number of pages */
#define FRAME_OVERHEAD     118 /* Ethernet, a tag, and AF_PACKET's header in front of the frame */

uint16_t
port_frame_octets(uint16_t mtu)
{
    uint32_t octets = RTE_ALIGN_CEIL((uint32_t)mtu + FRAME_OVERHEAD, 1024);

    if (octets < 2048)
        return 2048;
    return octets > UINT16_MAX - RTE_PKTMBUF_HEADROOM ? UINT16_MAX - RTE_PKTMBUF_HEADROOM
                                                      : (uint16_t)octets;
}

static int __attribute__((format(printf, 4, 5)))
refuse(int code, char *error, size_t error_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return code;
}

/* Many drivers return -1 for whatever is wrong. */
static int
driver_error(int status)
{
    return status == -1 ? -EIO : status;
}

static const char *
driver_error_text(int status)
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
        return refuse(-errno, error, error_size, "%s: %s", directory, strerror(errno));
    if (lstat(path, &status) < 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return refuse(-EEXIST, error, error_size, "%s exists and is no socket", path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    answer = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    close(fd);
    if (answer == -ECONNREFUSED)
        unlink(path);
    else if (answer == 0 && !shared)
        return refuse(-EEXIST, error, error_size, "%s: somebody listens there already", path);
    return 0;
}

/* What can be said in clearer words than a driver's. */
static int
spec_precheck(const struct port_spec *spec, char *error, size_t error_size)
{
    switch (spec->kind) {
    case PORT_TAP:
        if (access("/dev/net/tun", R_OK | W_OK) < 0)
            return refuse(-errno, error, error_size, "/dev/net/tun: %s", strerror(errno));
        if (kernel_interface_exists(spec->target))
            return refuse(-EEXIST, error, error_size, "the kernel has an interface %s already",
                          spec->target);
        return 0;
    case PORT_AF_PACKET:
    case PORT_AF_XDP:
        if (!kernel_interface_exists(spec->target))
            return refuse(-ENODEV, error, error_size, "the kernel has no interface %s",
                          spec->target);
        return 0;
    case PORT_MEMIF: /* several ports, told apart by their id, share a socket */
    case PORT_VHOST:
        if (spec->client)
            return 0;
        return socket_precheck(spec->target, spec->kind == PORT_MEMIF, error, error_size);
    case PORT_PCAP:
        if (access(spec->target, R_OK) < 0)
            return refuse(-errno, error, error_size, "%s: %s", spec->target, strerror(errno));
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
        snprintf(arguments, size, "iface=%s,queues=1,client=%d", path, spec->client);
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

static int
device_configure(struct port *port, uint16_t mtu, struct rte_mempool *pool, char *error,
                 size_t error_size)
{
    uint16_t rx = port->kind == PORT_TAP ? TAP_RX_DESCRIPTORS : RX_DESCRIPTORS;
    uint16_t tx = TX_DESCRIPTORS;
    struct rte_eth_conf conf = { 0 };
    struct rte_eth_dev_info info;
    int status = rte_eth_dev_info_get(port->ethdev, &info);

    if (status < 0)
        return refuse(driver_error(status), error, error_size,
                      "the driver says nothing about it: %s", driver_error_text(status));
    conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    status = rte_eth_dev_configure(port->ethdev, 1, 1, &conf);
    if (status < 0)
        return refuse(driver_error(status), error, error_size, "the driver refuses one queue: %s",
                      driver_error_text(status));
    status = rte_eth_dev_adjust_nb_rx_tx_desc(port->ethdev, &rx, &tx);
    if (status == 0)
        status = rte_eth_rx_queue_setup(port->ethdev, 0, rx, rte_socket_id(), NULL, pool);
    if (status == 0)
        status = rte_eth_tx_queue_setup(port->ethdev, 0, tx, rte_socket_id(), NULL);
    if (status < 0)
        return refuse(driver_error(status), error, error_size, "the driver refuses its queues: %s",
                      driver_error_text(status));
    if (mtu != 0 && port->kernel_name[0] == '\0') {
        status = rte_eth_dev_set_mtu(port->ethdev, mtu);
        if (status < 0 && status != -ENOTSUP)
            return refuse(status, error, error_size, "the driver refuses an MTU of %u: %s", mtu,
                          rte_strerror(-status));
    }
    if (mtu > RTE_ETHER_MTU && port->kind == PORT_TAP) {
        status = rte_eth_dev_set_mtu(port->ethdev, mtu);
        if (status < 0)
            return refuse(status, error, error_size, "the kernel refuses an MTU of %u", mtu);
    }
    return 0;
}

/* The MTU that the port has: the kernel's word where it has one. */
static int
mtu_settle(struct port *port, uint16_t wanted, char *error, size_t error_size)
{
    uint16_t actual = 0;

    if (port->kernel_name[0] != '\0') {
        int status = kernel_interface_mtu(port->kernel_name, &actual);
        if (status < 0)
            return refuse(status, error, error_size, "%s: %s", port->kernel_name,
                          strerror(-status));
        if (wanted > actual)
            return refuse(-EINVAL, error, error_size,
                          "%s has an MTU of %u octets, %u are asked for", port->kernel_name, actual,
                          wanted);
    } else if (rte_eth_dev_get_mtu(port->ethdev, &actual) < 0) {
        actual = RTE_ETHER_MTU;
    }
    port->mtu = wanted != 0 ? wanted : actual;
    return 0;
}

static int
device_start(struct port *port, char *error, size_t error_size)
{
    struct rte_ether_addr mac;
    int status = rte_eth_dev_start(port->ethdev);

    if (status < 0)
        return refuse(driver_error(status), error, error_size, "it does not start: %s",
                      driver_error_text(status));
    if (port->role == PORT_ACCESS) {
        /* guests send to the virtual router's MAC address, which no device has for its own */
        status = rte_eth_promiscuous_enable(port->ethdev);
        if (status < 0 && status != -ENOTSUP)
            return refuse(status, error, error_size, "no promiscuous mode: %s",
                          rte_strerror(-status));
    }
    status = rte_eth_macaddr_get(port->ethdev, &mac);
    if (status < 0)
        return refuse(status, error, error_size, "no MAC address: %s", rte_strerror(-status));
    memcpy(port->mac.octets, mac.addr_bytes, sizeof(port->mac.octets));
    if (port->kind == PORT_TAP) {
        /* the driver's address is that of the kernel's side: ours, at the other end, differs */
        port->mac.octets[0] = (port->mac.octets[0] & ~1u) | 2u;
        port->mac.octets[5] ^= 0x80;
        port->tap_fd = kernel_tap_find(port->kernel_name);
        if (port->tap_fd < 0)
            return refuse(-ENODEV, error, error_size, "the TAP interface is not there");
    }
    return 0;
}

/* Takes a device away that may or may not have been started. */
static void
device_remove(uint16_t ethdev)
{
    struct rte_eth_dev_info info;
    int status;

    if (!rte_eth_dev_is_valid_port(ethdev))
        return;
    if (rte_eth_dev_info_get(ethdev, &info) < 0)
        info.device = NULL;
    status = rte_eth_dev_stop(ethdev);
    if (status < 0)
        log_warning("a port does not stop: %s", rte_strerror(-status));
    status = rte_eth_dev_close(ethdev);
    if (status < 0)
        log_warning("a port does not close: %s", rte_strerror(-status));
    status = info.device == NULL ? -ENODEV : rte_dev_remove(info.device);
    if (status < 0)
        log_warning("a port's device is not removed: %s", rte_strerror(-status));
}

static int
device_probe(struct port *port, const struct port_spec *spec, struct rte_mempool *pool, char *error,
             size_t error_size)
{
    char name[RTE_ETH_NAME_MAX_LEN], arguments[PORT_SPEC_MAX * 2 + 128];
    const char *bus;
    int status;

    if (rte_eth_dev_count_avail() >= RTE_MAX_ETHPORTS)
        return refuse(-ENOSPC, error, error_size,
                      "all %d ports of this DPDK are in use: let interfaces share a port by "
                      "802.1Q tags",
                      RTE_MAX_ETHPORTS);
    device_describe(spec, pool, &bus, name, sizeof(name), arguments, sizeof(arguments));
    status = rte_eal_hotplug_add(bus, name, arguments);
    if (status == 0)
        status = rte_eth_dev_get_port_by_name(name, &port->ethdev);
    if (status < 0)
        return refuse(driver_error(status), error, error_size, "DPDK cannot open it: %s",
                      driver_error_text(status));
    return 0;
}

static int
socket_publish(const struct port_spec *spec, char *error, size_t error_size)
{
    int status = vhost_publish(spec);

    if (status == -EEXIST)
        return refuse(status, error, error_size, "%s: somebody listens there already",
                      spec->target);
    if (status < 0)
        return refuse(status, error, error_size, "%s: %s", spec->target, strerror(-status));
    return 0;
}

int
port_open(const char *text, enum port_role role, uint16_t mtu, struct rte_mempool *pool,
          struct port **opened, char *error, size_t error_size)
{
    struct port_spec spec;
    struct port *port = NULL;
    int status = port_spec_parse(text, &spec, error, error_size);

    if (status == 0)
        status = spec_precheck(&spec, error, error_size);
    if (status < 0)
        return status;
    port = calloc(1, sizeof(*port));
    if (port == NULL)
        return refuse(-ENOMEM, error, error_size, "out of memory");
    port->number = PORT_NONE;
    port->role = (uint8_t)role;
    port->kind = (uint8_t)spec.kind;
    port->tap_fd = -1;
    snprintf(port->spec, sizeof(port->spec), "%s", text);
    if (spec.kind == PORT_TAP || spec.kind == PORT_AF_PACKET || spec.kind == PORT_AF_XDP)
        snprintf(port->kernel_name, sizeof(port->kernel_name), "%.15s", spec.target);

    status = device_probe(port, &spec, pool, error, error_size);
    if (status < 0) {
        free(port);
        return status;
    }
    status = device_configure(port, mtu, pool, error, error_size);
    if (status == 0)
        status = mtu_settle(port, mtu, error, error_size);
    if (status == 0)
        status = device_start(port, error, error_size);
    if (status == 0 && spec.kind == PORT_VHOST)
        status = socket_publish(&spec, error, error_size);
    if (status < 0) {
        device_remove(port->ethdev);
        free(port);
        return status;
    }
    *opened = port;
    return 0;
}

void
port_close(struct port *port)
{
    struct port_spec spec;
    char error[PORT_SPEC_MAX];

    if (port == NULL)
        return;
    if (port->kind == PORT_VHOST && port_spec_parse(port->spec, &spec, error, sizeof(error)) == 0)
        vhost_withdraw(&spec);
    device_remove(port->ethdev);
    free(port);
}

bool
port_link_is_up(const struct port *port)
{
    struct rte_eth_link link;

    if (port->kind == PORT_TAP)
        return kernel_tap_is_up(port->tap_fd);
    if (port->kernel_name[0] != '\0')
        return kernel_interface_is_up(port->kernel_name);
    if (port->kind == PORT_NULL || port->kind == PORT_PCAP)
        return true;
    return rte_eth_link_get_nowait(port->ethdev, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}
