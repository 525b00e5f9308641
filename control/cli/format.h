/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* How a JSON value looks in a table's cell. */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/** Writes `value` (never NULL) into `text`, cut where it does not fit. Control characters are
 * replaced: what a peer called itself must not drive somebody's terminal. */
typedef void cli_formatter(const json_t *value, char *text, size_t size);

/** A string, a number, "yes" or "no"; a list with commas between; "-" for null, "" and []. */
cli_formatter format_any;

/** A list of next hops, each an address or an object with one: the addresses. */
cli_formatter format_next_hops;

/** A list of objects with a port and a queue: "PORT QUEUE", as worker.move wants it. */
cli_formatter format_queues;

/** Seconds as 14s, 5m, 3h or 12d. */
cli_formatter format_age;

/** 12 %. */
cli_formatter format_percent;
