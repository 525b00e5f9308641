/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the kernel knows about its side of a port: asked directly, since the drivers look an
 * interface up by name in our own network namespace, and a TAP interface may have been moved. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"

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
