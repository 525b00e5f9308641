/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Reading typed values out of a libconfuse tree whose options are all strings, with the file, the
 * line and the key in every complaint. A key that is not given leaves its value untouched.
 * Every function returns 0, or -EINVAL after it has complained.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <confuse.h>

#include "control/config.h"

/** A key that every schema must have, as a value, in its outermost section: config_file_parse()
 * puts it behind the last line, to see that the file does not end inside of something. */
#define CONFIG_FILE_END "end-of-file"

/** Parses `file` by `schema`. @return the tree, to be freed with cfg_free(), or NULL with a text.
 * `name` must live until all complaints are made. */
cfg_t *config_file_parse(FILE *file, const char *name, cfg_opt_t *schema,
                         struct config_error *error);

/** For each option of a schema: remembers its line and refuses it when it is given twice. */
int config_file_note(cfg_t *section, cfg_opt_t *option);

/** Complains about `key` of `section` (NULL: about the section). @return -EINVAL. */
int config_file_refuse(cfg_t *section, const char *key, struct config_error *error,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The value of a key, or NULL if it isn't given; and the n-th of a list. */
const char *config_file_text(cfg_t *section, const char *key);
const char *config_file_item(cfg_t *section, const char *key, unsigned n);
unsigned config_file_items(cfg_t *section, const char *key);

/** Complains unless the key is given: that `what` is expected. */
int config_file_require(cfg_t *section, const char *key, const char *what,
                        struct config_error *error);

/** A text of 1 to `size` - 1 octets. */
int config_file_copy(cfg_t *section, const char *key, char *to, size_t size,
                     struct config_error *error);

/** A decimal number from `min` to `max`. */
int config_file_number(cfg_t *section, const char *key, uint32_t min, uint32_t max, uint32_t *value,
                       struct config_error *error);

/** true or false, nothing else. */
int config_file_bool(cfg_t *section, const char *key, bool *value, struct config_error *error);

/** The address of one host: of IPv4, of IPv6 (it may be link-local then), or of either (IP_NONE).
 */
int config_file_address(cfg_t *section, const char *key, uint8_t family, struct ip_addr *addr,
                        struct config_error *error);
