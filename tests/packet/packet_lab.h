/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the files of the packet lab share. */

#include "tests/packet/scenario.h"

/** The name of a number of the scenario, "" if it has none; and back, 0 if there is none. */
const char *name_of(const struct named *named, uint32_t number);
uint32_t number_in(const struct named *named, const char *name);

const char *drop_name(unsigned reason);
const char *punt_name(unsigned reason);

/** Octets as a string of hexadecimal digits. */
json_t *hex_json(const uint8_t *octets, uint32_t length);

/** Explains each packet of a list, {"port", "frame"} or {"vrf", "packet"}: what would be sent,
 * dropped and punted. */
json_t *explained_json(const struct scenario *scenario, json_t *list);

/** Publishes the watches of a list, {"kind", "where", "vif" | "endpoint", "side", "filter",
 * "snaplen"}. @return NULL, or what is wrong. */
const char *watches_begin(struct scenario *scenario, json_t *list);

/** Takes them away: a list with the records of each. */
json_t *watches_end(struct scenario *scenario);
