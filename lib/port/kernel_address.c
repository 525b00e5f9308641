/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses and routes of the kernel's interfaces, by the same requests as ifconfig and route: see
 * kernel.h. */

#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ipv6.h>

#include "lib/port/kernel.h"

static struct ifreq
ifreq_for(const char *name)
{
    struct ifreq ifreq = { 0 };

    snprintf(ifreq.ifr_name, sizeof(ifreq.ifr_name), "%s", name);
    return ifreq;
}

static int
set_flag(const char *name, short flag, bool on)
{
    struct ifreq ifreq = ifreq_for(name);
    int error = kernel_request(AF_INET, SIOCGIFFLAGS, &ifreq);

    if (error < 0)
        return error;
    ifreq.ifr_flags = (short)(on ? ifreq.ifr_flags | flag : ifreq.ifr_flags & ~flag);
    return kernel_request(AF_INET, SIOCSIFFLAGS, &ifreq);
}

int
kernel_interface_set_mac(const char *name, const struct mac_addr *mac)
{
    struct ifreq ifreq = ifreq_for(name);
    int error = set_flag(name, IFF_UP, false);

    ifreq.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(ifreq.ifr_hwaddr.sa_data, mac->octets, sizeof(mac->octets));
    if (error == 0)
        error = kernel_request(AF_INET, SIOCSIFHWADDR, &ifreq);
    if (error == 0)
        error = set_flag(name, IFF_UP, true);
    return error;
}

static int
set_address4(const char *name, const struct ip_addr *address, uint8_t length)
{
    struct sockaddr_in socket_address = { .sin_family = AF_INET };
    struct ifreq ifreq = ifreq_for(name);

    socket_address.sin_addr.s_addr = htobe32(ip_addr_to_v4(address));
    memcpy(&ifreq.ifr_addr, &socket_address, sizeof(socket_address));
    int error = kernel_request(AF_INET, SIOCSIFADDR, &ifreq);
    if (error < 0)
        return error;
    socket_address.sin_addr.s_addr = htobe32(ip_v4_mask(length));
    memcpy(&ifreq.ifr_netmask, &socket_address, sizeof(socket_address));
    return kernel_request(AF_INET, SIOCSIFNETMASK, &ifreq);
}

/* Turns a switch of IPv6 on an interface off; without IPv6 in the kernel it is not there. */
static void
switch_off6(const char *name, const char *variable)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", name, variable);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "0", 1);
    close(fd);
}

void
kernel_interface_stop_autoconfiguration(const char *name)
{
    switch_off6(name, "autoconf");
}

static int
set_address6(const char *name, const struct ip_addr *address, uint8_t length)
{
    struct in6_ifreq ifreq = {
        .ifr6_prefixlen = length,
        .ifr6_ifindex = (int)if_nametoindex(name),
    };

    switch_off6(name, "disable_ipv6");
    switch_off6(name, "accept_dad");
    memcpy(&ifreq.ifr6_addr, address->octets, sizeof(ifreq.ifr6_addr));
    return kernel_request(AF_INET6, SIOCSIFADDR, &ifreq);
}

int
kernel_interface_set_address(const char *name, const struct ip_addr *address, uint8_t length)
{
    return address->family == IP_V6 ? set_address6(name, address, length)
                                    : set_address4(name, address, length);
}

static int
add_route4(const char *name, const struct ip_addr *gateway, unsigned metric)
{
    struct sockaddr_in any = { .sin_family = AF_INET }, via = any;
    char device[IFNAMSIZ];
    struct rtentry route = {
        .rt_flags = RTF_UP | RTF_GATEWAY,
        .rt_metric = (short)(metric + 1), /* the kernel takes one away */
        .rt_dev = device,
    };

    snprintf(device, sizeof(device), "%s", name);
    via.sin_addr.s_addr = htobe32(ip_addr_to_v4(gateway));
    memcpy(&route.rt_dst, &any, sizeof(any));
    memcpy(&route.rt_genmask, &any, sizeof(any));
    memcpy(&route.rt_gateway, &via, sizeof(via));
    return kernel_request(AF_INET, SIOCADDRT, &route);
}

static int
add_route6(const char *name, const struct ip_addr *gateway, unsigned metric)
{
    struct in6_rtmsg route = {
        .rtmsg_metric = metric,
        .rtmsg_flags = RTF_UP | RTF_GATEWAY,
        .rtmsg_ifindex = (int)if_nametoindex(name),
    };

    memcpy(&route.rtmsg_gateway, gateway->octets, sizeof(route.rtmsg_gateway));
    return kernel_request(AF_INET6, SIOCADDRT, &route);
}

int
kernel_default_route_add(const char *name, const struct ip_addr *gateway, unsigned metric)
{
    return gateway->family == IP_V6 ? add_route6(name, gateway, metric)
                                    : add_route4(name, gateway, metric);
}
