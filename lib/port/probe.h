/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Plugs a device into DPDK as a specification says, after a look at what can be said in clearer
 * words than a driver's: a device or a directory that is missing, a name that is taken. For the
 * files of lib/port. Helper thread; may block.
 */

#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "lib/port/spec.h"

/** Writes why something is refused into `error`. @return `code`. */
int port_refuse(int code, char *error, size_t error_size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** A driver's error as an errno, and in words: many drivers return -1 for whatever is wrong. */
int port_driver_error(int status);
const char *port_driver_error_text(int status);

/**
 * Makes the device; it is not configured. Whoever called takes it away again.
 * @param pool whose buffers the device will fill
 * @param ethdev DPDK's number of it
 * @return 0 or a negative errno with a text in `error`.
 */
int port_probe(const struct port_spec *spec, struct rte_mempool *pool, uint16_t *ethdev,
               char *error, size_t error_size);
