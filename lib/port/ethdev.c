/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The ethdev backend: a specification becomes a DPDK device with its queue pairs. Devices come and
 * go at run time by hot-plug; nothing here touches a port that a worker polls.
 */

#define LOG_AREA "port"

#include "lib/port/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>

#include "lib/base/log.h"
#include "lib/port/kernel.h"
#include "lib/port/probe.h"
#include "lib/port/vhost.h"

#define RX_DESCRIPTORS     512
#define TX_DESCRIPTORS     512
#define TAP_RX_DESCRIPTORS 16  /* net_tap keeps a buffer for each to scatter one frame into */
#define FRAME_OVERHEAD     118 /* Ethernet, a tag, and AF_PACKET's header in front of the frame */

/* What a device with several receive queues must hash by, and what it is asked for. */
#define RSS_NEEDED (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)
#define RSS_WANTED (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP)

uint16_t
port_frame_octets(uint16_t mtu)
{
    uint32_t octets = RTE_ALIGN_CEIL((uint32_t)mtu + FRAME_OVERHEAD, 1024);

    if (octets < 2048)
        return 2048;
    return octets > UINT16_MAX - RTE_PKTMBUF_HEADROOM ? UINT16_MAX - RTE_PKTMBUF_HEADROOM
                                                      : (uint16_t)octets;
}

/*
 * How many queue pairs the port gets. More than one only where the device keeps a flow in one queue
 * by its outer headers, tunnels over UDP apart from each other by their ports. AF_PACKET does not:
 * its driver has the kernel put into another queue what a full one cannot take (and so any flow
 * may change places). The workers spread what comes through a single queue
 * (fastpath/underlay_ingress.c).
 */
static unsigned
queues_settle(const struct port *port, const struct rte_eth_dev_info *info, unsigned wanted)
{
    if (port->role != PORT_UNDERLAY || port->kind == PORT_TAP /* its hash wants flow rules */ ||
        (info->flow_type_rss_offloads & RSS_NEEDED) != RSS_NEEDED)
        return 1;
    return RTE_MIN(wanted, (unsigned)RTE_MIN(info->max_rx_queues, info->max_tx_queues));
}

/*
 * What the device does for packets that are sent on it; zero for TAP, whose driver would do in
 * software what we do, TCP over IPv6 left out, with 128 buffers of its own for the segments of a
 * whole burst. A vhost-user port's guest says later what it can do without.
 */
static uint64_t
offloads_settle(struct port *port, const struct rte_eth_dev_info *info)
{
    const uint64_t checksums = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    const uint64_t segments = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    uint64_t enabled = 0;

    if (port->role != PORT_ACCESS || port->kind == PORT_TAP ||
        (info->tx_offload_capa & checksums) != checksums)
        return 0;
    enabled = checksums;
    if (port->kind == PORT_VHOST)
        return enabled;
    port->prepares = true;
    port->offloads = PORT_CHECKSUM;
    if ((info->tx_offload_capa & segments) == segments && port->takes_chains) {
        enabled |= segments;
        port->offloads |= PORT_SEGMENTS_V4 | PORT_SEGMENTS_V6;
    }
    return enabled;
}

static int
queues_configure(struct port *port, unsigned wanted, struct rte_mempool *pool, char *error,
                 size_t error_size)
{
    uint16_t rx = port->kind == PORT_TAP ? TAP_RX_DESCRIPTORS : RX_DESCRIPTORS;
    uint16_t tx = TX_DESCRIPTORS;
    struct rte_eth_conf conf = { 0 };
    struct rte_eth_dev_info info;
    int status = rte_eth_dev_info_get(port->ethdev, &info);

    if (status < 0)
        return port_refuse(port_driver_error(status), error, error_size,
                           "the driver says nothing about it: %s", port_driver_error_text(status));
    port->n_queues = (uint8_t)queues_settle(port, &info, wanted);
    conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    /* the capture's driver gathers them, and does not say so before DPDK 23.11 */
    port->takes_chains = conf.txmode.offloads != 0 || port->kind == PORT_PCAP;
    conf.txmode.offloads |= offloads_settle(port, &info);
    if (port->kind ==
        PORT_VHOST) /* checksums that guests leave undone are ours, not the driver's */
        conf.rxmode.offloads =
            info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
    if (port->n_queues > 1) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = RSS_WANTED & info.flow_type_rss_offloads;
    }
    status = rte_eth_dev_configure(port->ethdev, port->n_queues, port->n_queues, &conf);
    if (status == 0)
        status = rte_eth_dev_adjust_nb_rx_tx_desc(port->ethdev, &rx, &tx);
    for (uint16_t i = 0; status == 0 && i < port->n_queues; i++) {
        status = rte_eth_rx_queue_setup(port->ethdev, i, rx, rte_socket_id(), NULL, pool);
        if (status == 0)
            status = rte_eth_tx_queue_setup(port->ethdev, i, tx, rte_socket_id(), NULL);
    }
    if (status < 0)
        return port_refuse(port_driver_error(status), error, error_size,
                           "the driver refuses its queues (%u): %s", port->n_queues,
                           port_driver_error_text(status));
    return 0;
}

static int
mtu_configure(struct port *port, uint16_t mtu, char *error, size_t error_size)
{
    int status;

    if (mtu != 0 && port->kernel_name[0] == '\0') {
        status = rte_eth_dev_set_mtu(port->ethdev, mtu);
        if (status < 0 && status != -ENOTSUP)
            return port_refuse(-ERANGE, error, error_size, "the driver refuses an MTU of %u: %s",
                               mtu, rte_strerror(-status));
    }
    /* a guest chooses a smaller one itself; the kernel of this host is told */
    if (port->kind == PORT_TAP && (mtu > RTE_ETHER_MTU || port->role == PORT_HOST)) {
        status = rte_eth_dev_set_mtu(port->ethdev, mtu);
        if (status < 0)
            return port_refuse(-ERANGE, error, error_size, "the kernel refuses an MTU of %u", mtu);
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
            return port_refuse(status, error, error_size, "%s: %s", port->kernel_name,
                               strerror(-status));
        if (wanted > actual)
            return port_refuse(-ERANGE, error, error_size,
                               "%s has an MTU of %u octets, %u are asked for", port->kernel_name,
                               actual, wanted);
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
        return port_refuse(port_driver_error(status), error, error_size, "it does not start: %s",
                           port_driver_error_text(status));
    if (port->role == PORT_ACCESS) {
        /* guests send to the virtual router's MAC address, which no device has for its own */
        status = rte_eth_promiscuous_enable(port->ethdev);
        if (status < 0 && status != -ENOTSUP)
            return port_refuse(status, error, error_size, "no promiscuous mode: %s",
                               rte_strerror(-status));
    }
    status = rte_eth_macaddr_get(port->ethdev, &mac);
    if (status < 0)
        return port_refuse(status, error, error_size, "no MAC address: %s", rte_strerror(-status));
    memcpy(port->mac.octets, mac.addr_bytes, sizeof(port->mac.octets));
    if (port->kind == PORT_TAP) {
        /* the driver's address is that of the kernel's side: ours, at the other end, differs */
        port->mac.octets[0] = (port->mac.octets[0] & ~1u) | 2u;
        port->mac.octets[5] ^= 0x80;
        port->tap_fd = kernel_tap_find(port->kernel_name);
        if (port->tap_fd < 0)
            return port_refuse(-ENODEV, error, error_size, "the TAP interface is not there");
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
socket_publish(struct port *port, const struct port_spec *spec, char *error, size_t error_size)
{
    int status = vhost_follow(port->ethdev, &port->offloads);

    if (status < 0)
        return port_refuse(status, error, error_size, "nobody would say who connects: %s",
                           rte_strerror(-status));
    status = vhost_publish(spec);
    if (status < 0)
        vhost_unfollow(port->ethdev, &port->offloads);
    if (status == -EEXIST)
        return port_refuse(status, error, error_size, "%s: somebody listens there already",
                           spec->target);
    if (status < 0)
        return port_refuse(status, error, error_size, "%s: %s", spec->target, strerror(-status));
    return 0;
}

int
port_open(const char *text, enum port_role role, uint16_t mtu, unsigned queues,
          struct rte_mempool *pool, struct port **opened, char *error, size_t error_size)
{
    struct port_spec spec;
    struct port *port = NULL;
    int status = port_spec_parse(text, &spec, error, error_size);

    if (status < 0)
        return status;
    port = calloc(1, sizeof(*port));
    if (port == NULL)
        return port_refuse(-ENOMEM, error, error_size, "out of memory");
    port->number = PORT_NONE;
    port->role = (uint8_t)role;
    port->kind = (uint8_t)spec.kind;
    port->tap_fd = -1;
    snprintf(port->spec, sizeof(port->spec), "%s", text);
    if (spec.kind == PORT_TAP || spec.kind == PORT_AF_PACKET || spec.kind == PORT_AF_XDP)
        snprintf(port->kernel_name, sizeof(port->kernel_name), "%.15s", spec.target);

    status = port_probe(&spec, pool, &port->ethdev, error, error_size);
    if (status < 0) {
        free(port);
        return status;
    }
    status = queues_configure(port, queues, pool, error, error_size);
    if (status == 0)
        status = mtu_configure(port, mtu, error, error_size);
    if (status == 0)
        status = mtu_settle(port, mtu, error, error_size);
    if (status == 0)
        status = device_start(port, error, error_size);
    if (status == 0 && spec.kind == PORT_VHOST)
        status = socket_publish(port, &spec, error, error_size);
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
    if (port->kind == PORT_VHOST) {
        vhost_unfollow(port->ethdev, &port->offloads);
        if (port_spec_parse(port->spec, &spec, error, sizeof(error)) == 0)
            vhost_withdraw(&spec);
    }
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
