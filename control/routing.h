/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Routing: what joins interfaces, route servers, the RIB and the FIB.
 *
 *     interfaces ──publish──► servers ──XMPP──► route servers
 *                                                    │
 *     FIB ◄── forwarding ◄──best path── RIB ◄────────┘      RIB ──► snapshot in the state directory
 *
 * Static routes of the configuration are kept in step with the interfaces that they lead to.
 * Control thread.
 */

#include "control/interfaces.h"

struct control;
struct endpoints;
struct forwarding;
struct rib;
struct routing;
struct servers;

/** The events that interfaces_create() is to be given, with the routing as context. */
extern const struct interface_events routing_interface_events;

/**
 * Makes RIB, FIB programming and (not yet connecting) sessions.
 * Needs control's tables, port table, underlay port, state, VRFs and event base.
 * @return 0 or a negative errno with a text in `error`.
 */
int routing_create(struct control *control, struct routing **routing, struct config_error *error);

/** Loads the certificates that the configuration names anew, for sessions that begin from now on.
 * @return 0, -ENOENT (none is named), or -EINVAL with a text: those before stay in use. */
int routing_load_certificates(struct routing *routing, struct config_error *error);

/** Once the interfaces were made: loads the snapshot, sets static routes, begins to keep snapshots.
 * Called through routing_interface_events.started. */
void routing_start(struct routing *routing);

/** Retracts everything that is published, then calls `done`, at the latest after `timeout_ms`. */
void routing_drain(struct routing *routing, int timeout_ms, void (*done)(void *context),
                   void *context);

/** Writes a last snapshot: before the interfaces go. */
void routing_save(struct routing *routing);

/** Closes the sessions without retracting anything, and frees. After helper_drain(). */
void routing_destroy(struct routing *routing);

/* Its parts, for the verbs. */
struct rib *routing_rib(struct routing *routing);
struct servers *routing_servers(struct routing *routing);
struct forwarding *routing_forwarding(struct routing *routing);
struct endpoints *routing_endpoints(struct routing *routing);
