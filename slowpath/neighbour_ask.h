/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The question for an underlay neighbour's MAC address: ARP or a neighbour solicitation. */

#include "slowpath/context.h"

/**
 * Asks for the MAC address of `address`, from our address of its family. Without one, or without
 * the port, nobody is asked.
 * @param known_mac the neighbour alone is asked whether it is still there; NULL: all are asked
 */
void neighbour_ask(struct slowpath *slowpath, uint16_t port, const struct ip_addr *address,
                   const struct mac_addr *known_mac);
