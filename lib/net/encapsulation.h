/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Tunnel encapsulations: their names, and sets of them as bits. */

#include <stdint.h>

enum encapsulation { ENCAP_GRE = 1 << 0, ENCAP_UDP = 1 << 1, ENCAP_VXLAN = 1 << 2 };

/** "gre", "udp" or "vxlan": the names of the schema of draft-ietf-l3vpn-end-system. */
const char *encapsulation_name(uint8_t encapsulation);

/** The encapsulation of a name, 0 for an unknown one. */
uint8_t encapsulation_parse(const char *name);
