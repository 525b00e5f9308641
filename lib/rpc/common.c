/* SPDX-License-Identifier: BSD-3-Clause */

/* What every daemon with a control socket offers: the level of its log, the socket's counters. */

#include "lib/rpc/common.h"

#define LOG_AREA "rpc"
#include "lib/base/log.h"

static void
handle_log_level(struct rpc_request *request, const json_t *params, void *context)
{
    const char *name = rpc_string(params, "level", "");
    int level = log_level_parse(name);

    (void)context;
    if (level < 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "level",
                 "expected error, warning, info or debug, not \"%.32s\"", name);
        return;
    }
    log_level_set((enum log_level)level);
    rpc_reply(request, json_pack("{s:s}", "level", name));
}

static const struct rpc_parameter log_level_parameters[] = {
    { "level", RPC_STRING, true, 0, 0 },
    { NULL, RPC_STRING, false, 0, 0 },
};

const struct rpc_verb rpc_log_level = { "log.level", log_level_parameters, handle_log_level };

json_t *
rpc_counters_row(const struct rpc_server *server)
{
    const struct rpc_counters *counters = rpc_server_counters(server);

    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "of", "rpc", "name", "socket",
        "connections", (json_int_t)counters->connections, "refused_peers",
        (json_int_t)counters->refused_peers, "refused_connections",
        (json_int_t)counters->refused_connections, "requests", (json_int_t)counters->requests,
        "bad_requests", (json_int_t)counters->bad_requests, "long_lines",
        (json_int_t)counters->long_lines, "refused_requests",
        (json_int_t)counters->refused_requests, "slow_readers", (json_int_t)counters->slow_readers);
}
