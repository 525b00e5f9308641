/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What every daemon with a control socket offers. Control thread. */

#include "lib/rpc/server.h"

/** log.level: sets how much is logged. Add it with rpc_server_add(server, &rpc_log_level, 1, NULL).
 */
extern const struct rpc_verb rpc_log_level;

/** Adds the server's own counters to a row of counters.get. */
void rpc_counters_fill(const struct rpc_server *server, json_t *row);
