/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Between the files of the verbs of millrace-rs. */

#include "control/routeserver/rib.h"
#include "lib/rpc/server.h"

/** Every client in the order of JIDs, with a NULL behind the last; to be freed. NULL without
 * memory. */
const struct rib_client **sorted_clients(const struct rib *rib);

/** counters.get: kinds rib, rpc and session. */
void handle_counters_get(struct rpc_request *request, const json_t *params, void *context);
