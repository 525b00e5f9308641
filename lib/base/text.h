/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Reads a whole string as an unsigned decimal number: digits only, no sign, no blanks, no leading
 * "+", nothing after it, at most `max`. Any thread.
 * @return 0, -EINVAL (not such a number) or -ERANGE (greater than `max`); `*value` is then
 * untouched.
 */
int text_parse_u64(const char *text, uint64_t max, uint64_t *value);

/** As text_parse_u64() for 32-bit numbers. */
int text_parse_u32(const char *text, uint32_t max, uint32_t *value);

/**
 * Reads a whole string as bits a second: a number with a unit of bit, kbit, Mbit or Gbit (powers of
 * ten), or without one. As text_parse_u64() otherwise.
 */
int text_parse_bit_rate(const char *text, uint64_t max, uint64_t *bits);

/** Octets as hexadecimal digits, two each, in a string for the caller to free(); NULL without
 * memory. Any thread. */
char *text_hex(const void *octets, size_t length);

/**
 * Reads a whole string of hexadecimal digits, two an octet; blanks and colons between octets are
 * passed over. Any thread.
 * @return 0, -EINVAL (not such a string), or -EMSGSIZE (more than `room` octets).
 */
int text_unhex(const char *text, uint8_t *octets, size_t room, size_t *length);

/** True if `text` has from 1 to `max_length` octets, all printable ASCII other than the blank. */
bool text_is_ascii_name(const char *text, size_t max_length);
