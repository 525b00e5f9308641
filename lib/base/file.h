/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

/**
 * Replaces a file's content so that a crash leaves either the old content or the new: writes
 * `path`.new, syncs it, renames it over `path`, syncs the directory. Control or helper thread.
 * @return 0 or a negative errno.
 */
int file_write_atomic(const char *path, const void *data, size_t length);

/**
 * Reads a whole file of at most `max` octets. The caller frees `*data`, which has a zero octet
 * behind its `*length` octets.
 * @return 0, -EFBIG if it is larger, or a negative errno.
 */
int file_read(const char *path, size_t max, char **data, size_t *length);

/**
 * Moves a file that cannot be used out of the way, to `path`.corrupt (replacing an older one), so
 * that it can be looked at later.
 * @return 0 or a negative errno.
 */
int file_set_aside(const char *path);
