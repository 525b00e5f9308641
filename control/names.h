/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What people call the things that the tables know by number; "(gone)" if there is none any more.
 * Control thread. */

#include <stdint.h>

struct control;

const char *name_of_vif(const struct control *control, uint32_t id);

/** Of a port: the underlay's name, or how the configuration specifies it. */
const char *name_of_port(const struct control *control, uint16_t number);

/** The VRF of a FIB root, and which of its two it is: "upstream" or "downstream". */
const char *name_of_vrf(const struct control *control, uint32_t root);
const char *name_of_root(uint32_t root);
