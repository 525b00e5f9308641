/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The control of the FIB's bench: what anybody would write first. A trie of 8-bit strides for
 * IPv4, each node an array of 256 words of 32 bits, all VRFs in one pool. A word is empty, a leaf
 * (a value of up to 31 bits) or a child. It can only grow; leaves are pushed down, so the routes
 * must come shortest first. What it costs in cycles and octets tells what a machine does on a day.
 */

#include <stdint.h>

struct naive;

/** Makes an empty trie with so many roots, and room for so many nodes. */
struct naive *naive_create(uint32_t roots, uint32_t nodes);

void naive_destroy(struct naive *naive);

/** Adds a route; no longer prefix that it covers may be there. */
void naive_add(struct naive *naive, uint32_t root, uint32_t address, unsigned length,
               uint32_t value);

/** The octets of its nodes. */
double naive_octets(const struct naive *naive);

/** Looks up to 64 addresses up, each in its own root; a value of 0 says that there is no route. */
void naive_lookup_bulk(const struct naive *naive, const uint32_t *roots, const uint32_t *addresses,
                       uint32_t *values, unsigned n);
