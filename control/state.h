/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The state directory: what must survive a restart, as JSON files that carry a version, each
 * replaced as a whole. Writing runs on the helper thread; whoever relies on what was written goes
 * on when told. A file that cannot be understood is set aside (NAME.corrupt) with a warning.
 */

#include <stddef.h>

#include <jansson.h>

struct helper;
struct state;

/**
 * Opens a directory, making it if it isn't there, and locks it against a second process.
 * @return 0, -EBUSY (another process uses it), or another negative errno with a text in `error`.
 */
int state_open(const char *directory, struct helper *helper, struct state **state, char *error,
               size_t error_size);

/** After helper_drain(). */
void state_close(struct state *state);

/**
 * Reads a file.
 * @param name "labels": the file is DIRECTORY/labels.json
 * @return the content (the caller's), or NULL if there is no usable file.
 */
json_t *state_read(struct state *state, const char *name, int version);

/** Sets a file aside whose content is JSON but makes no sense. */
void state_reject(struct state *state, const char *name, const char *why);

/**
 * Has a file written: `content()` is called on the control thread when its turn comes, so that many
 * changes go out in one write. Then `done(argument, error)` is called on the event loop, once for
 * each call of this function; it may be NULL.
 * @param name a string that lives as long as the state
 * @return 0, -ENOMEM or -EBUSY (then nothing is called).
 */
int state_write(struct state *state, const char *name, int version,
                json_t *(*content)(void *source), void *source,
                void (*done)(void *argument, int error), void *argument);

/** The full path of a file of another format in the directory (the RIB's snapshot), in `path`.
 * @return 0 or -ENAMETOOLONG. */
int state_path(const struct state *state, const char *file, char *path, size_t size);
