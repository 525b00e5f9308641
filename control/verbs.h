/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The verbs of millrace's control socket (docs/control-socket.md), a file each group. */

struct control;
struct rpc_server;
struct watcher;

/* Each: @return 0 or -ENOMEM. The handlers' context is the `struct control`. */

/** vif.add, vif.del, vif.list */
int verbs_vif_add(struct rpc_server *server, struct control *control);

/** vrf.list, label.list */
int verbs_vrf_add(struct rpc_server *server, struct control *control);

/** route.list */
int verbs_route_add(struct rpc_server *server, struct control *control);

/** route.explain */
int verbs_explain_add(struct rpc_server *server, struct control *control);

/** trace.start, trace.read, trace.stop, capture.start, capture.read, capture.stop */
int verbs_watch_add(struct rpc_server *server, struct control *control);

/** What watches_create() is given: answers a read that has waited. */
void watch_answer(struct control *control, struct watcher *watcher);

/** server.list */
int verbs_server_add(struct rpc_server *server, struct control *control);

/** endpoint.list, neighbour.list */
int verbs_endpoint_add(struct rpc_server *server, struct control *control);

/** counters.get, drops.get */
int verbs_counters_add(struct rpc_server *server, struct control *control);

/** worker.list, worker.move */
int verbs_worker_add(struct rpc_server *server, struct control *control);

/** config.get, log.level, stop */
int verbs_daemon_add(struct rpc_server *server, struct control *control);
