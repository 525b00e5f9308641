/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The RIB on disk: what route servers have told, so that a vRouter that restarts forwards before
 * the first of them answers, and with all of them dead. Text, a line a path, with a version at the
 * front and a checksum at the end. Own routes are not in it: they come from the interfaces.
 * Control thread; a text that was taken may be written to a file by any thread.
 */

#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_OCTETS_MAX (1u << 30) /* of a file that is read */

struct rib;
struct snapshot;

/**
 * Begins a snapshot. `now` is the RIB's clock, `unix_seconds` the time of day at the same moment.
 * @return NULL without memory.
 */
struct snapshot *snapshot_begin(struct rib *rib, int64_t now, uint64_t unix_seconds);

/**
 * Writes a slice of it to memory. Paths that change meanwhile appear as they were or as they are.
 * @return 1 if there is more to do, 0 if it is complete, -ENOMEM.
 */
int snapshot_step(struct snapshot *snapshot);

/** Takes the text of a complete snapshot, to be freed, and ends the snapshot. */
char *snapshot_take(struct snapshot *snapshot, size_t *length);

/** Ends a snapshot at any time. NULL is allowed. */
void snapshot_cancel(struct snapshot *snapshot);

/** Makes a snapshot in one go and writes the file: for the end of the program. Blocks.
 * @return 0 or a negative errno. */
int snapshot_save(struct rib *rib, const char *path, int64_t now, uint64_t unix_seconds);

struct snapshot_outcome {
    uint32_t restored; /* paths, now stale */
    uint32_t skipped;  /* of VPNs that there are no more, over a limit, or already announced */
    const char *why;   /* of -EBADMSG */
};

/**
 * Restores the paths in a text into the VPNs that exist; live servers keep what they have said
 * since. Their ages go on from where they were; a path that was live is stale from now on. A server
 * that is not known is added: its routes are as good as those of one that does not answer.
 * @return 0, -EBADMSG (damaged or of another version: nothing was restored), -ENOMEM.
 */
int snapshot_restore(struct rib *rib, const char *text, size_t length, int64_t now,
                     uint64_t unix_seconds, struct snapshot_outcome *outcome);

/**
 * Restores a file; one that is damaged is set aside, with a warning. Blocks: for the start.
 * @return 0 (also if there is no such file), or a negative errno.
 */
int snapshot_load(struct rib *rib, const char *path, int64_t now, uint64_t unix_seconds,
                  struct snapshot_outcome *outcome);
