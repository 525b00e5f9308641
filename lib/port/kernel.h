/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the kernel knows about its side of a port: asked directly, since the drivers look an
 * interface up by name in our own network namespace, and a TAP interface may have been moved. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"

#include "lib/net/addr.h"

/** One request (ioctl) on a socket of its own. @return 0 or a negative errno. */
int kernel_request(int family, unsigned long number, void *argument);

/** True if there is an interface of that name in our network namespace. */
bool kernel_interface_exists(const char *name);

/** The MTU of an interface. @return 0 or a negative errno. */
int kernel_interface_mtu(const char *name, uint16_t *mtu);

/** True if the interface is up and running; false also if it is gone. */
bool kernel_interface_is_up(const char *name);

/** The file descriptor through which the driver drives the TAP interface `name`, or -1. It stays
 * the driver's. */
int kernel_tap_find(const char *name);

/**
 * True if a TAP interface can carry packets: it exists still, and, as far as that can be seen (it
 * is in our network namespace), it is set up.
 */
bool kernel_tap_is_up(int fd);

/* What the kernel of this host is told about its interface. Each returns 0 or a negative errno. */

/** Gives an interface a MAC address: it goes down for it, and up again, so that what the kernel
 * makes of the address is made anew. */
int kernel_interface_set_mac(const char *name, const struct mac_addr *mac);

/** Gives an interface an address of its own, with the length of the subnet on the link; an IPv6
 * address is used at once, without asking for duplicates first. */
int kernel_interface_set_address(const char *name, const struct ip_addr *address, uint8_t length);

/** Has an interface make no IPv6 addresses out of what routers advertise. */
void kernel_interface_stop_autoconfiguration(const char *name);

/** Adds a default route by a gateway on the interface's link. */
int kernel_default_route_add(const char *name, const struct ip_addr *gateway, unsigned metric);
