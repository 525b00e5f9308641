/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Keeps the snapshot of the RIB in the state directory fresh: looked at once a second, made in
 * slices on the event loop, written by the helper. Control thread.
 */

struct control;
struct rib;
struct routing_snapshot;

/** @return NULL without memory. */
struct routing_snapshot *routing_snapshot_create(struct control *control, struct rib *rib);

/** Loads what the last run left, as stale paths, and begins to keep new ones. Blocks: at start. */
void routing_snapshot_load(struct routing_snapshot *keeper);

/** Writes a last one at once, if there was a load. Blocks: at the end. */
void routing_snapshot_save(struct routing_snapshot *keeper);

/** After helper_drain(). NULL is allowed. */
void routing_snapshot_destroy(struct routing_snapshot *keeper);
