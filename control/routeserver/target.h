/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Route targets (RFC 4360 section 4, RFC 5668), as the eight octets of the extended community read
 * as a number: ready to be compared here and to be sent by BGP. Any thread.
 */

#include <stdint.h>

#define ROUTE_TARGET_TEXT_MAX 32

/**
 * Reads a whole string as AS:NUMBER (64512:1, 4200000000:1) or ADDRESS:NUMBER (192.0.2.1:1).
 * @return 0 or -EINVAL; `*target` is then untouched.
 */
int route_target_parse(const char *text, uint64_t *target);

/** Writes the text form and returns `text`. */
const char *route_target_format(uint64_t target, char text[ROUTE_TARGET_TEXT_MAX]);
