/* SPDX-License-Identifier: BSD-3-Clause */

/* The host port: see host_port.h. */

#define LOG_AREA "host"

#include "control/host_port.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/port/kernel.h"

/* What net_tap of DPDK 22.11 carries. */
#define HOST_MTU_MAX 1500

/* More than whatever else makes a default route gives to its own. */
#define DEFAULT_ROUTE_METRIC 4096

/* What the kernel refuses is said and no more: tunnels do not need it. */
static void
set_address(const char *name, const struct ip_addr *address, const struct underlay_link *link)
{
    char text[IP_ADDR_TEXT_MAX];
    int status;

    if (address->family == IP_NONE)
        return;
    status = kernel_interface_set_address(name, address, link->prefix_length);
    if (status < 0) {
        log_warning("%s: the kernel does not take %s/%u: %s", name, ip_addr_format(address, text),
                    link->prefix_length, strerror(-status));
        return;
    }
    if (link->gateway.family == IP_NONE)
        return;
    status = kernel_default_route_add(name, &link->gateway, DEFAULT_ROUTE_METRIC);
    if (status < 0)
        log_warning("%s: the kernel takes no default route by %s: %s", name,
                    ip_addr_format(&link->gateway, text), strerror(-status));
}

int
host_port_open(struct control *control, char *error, size_t error_size)
{
    const struct underlay_config *config = &control->config->underlay;
    const char *name = config->host_interface;
    char spec[PORT_SPEC_MAX];

    if (name[0] == '\0')
        return 0;
    snprintf(spec, sizeof(spec), "tap:%s", name);
    const uint16_t mtu = control->underlay_port->mtu;
    int status = port_open(spec, PORT_HOST, mtu < HOST_MTU_MAX ? mtu : HOST_MTU_MAX, 1,
                           control->eal.pool, &control->host_port, error, error_size);
    if (status < 0)
        return status;
    status = kernel_interface_set_mac(name, &control->underlay_port->mac);
    if (status == 0)
        status = port_publish(control->ports, control->host_port);
    if (status < 0) {
        snprintf(error, error_size, "%s", strerror(-status));
        port_close(control->host_port);
        control->host_port = NULL;
        return status;
    }
    kernel_interface_stop_autoconfiguration(name); /* at no other address would it be reached */
    set_address(name, &control->underlay.v4, &config->v4);
    set_address(name, &control->underlay.v6, &config->v6);
    return 0;
}
