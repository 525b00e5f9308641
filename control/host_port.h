/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* host0: the interface through which the kernel of this host shares the underlay with the tunnels.
 */

#include "control/control.h"

/**
 * Makes the interface that the underlay's section names, if it names one, and publishes its port:
 * with the underlay port's MAC address, its MTU or 1500, our addresses, and default routes by the
 * gateways that give way to every other one. After the underlay port; before the workers, or on the
 * control thread.
 * @return 0 or a negative errno with a text in `error`.
 */
int host_port_open(struct control *control, char *error, size_t error_size);
