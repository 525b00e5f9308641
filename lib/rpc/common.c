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
    log_info("log level %s", name);
    rpc_reply(request, json_pack("{s:s}", "level", name));
}

static const struct rpc_parameter log_level_parameters[] = {
    { "level", RPC_STRING, true, 0, 0 },
    { NULL, RPC_STRING, false, 0, 0 },
};

const struct rpc_verb rpc_log_level = { "log.level", log_level_parameters, handle_log_level };

void
rpc_counters_fill(const struct rpc_server *server, json_t *row)
{
    const struct rpc_counters *counters = rpc_server_counters(server);
    const struct {
        const char *key;
        uint64_t value;
    } cells[] = {
        { "connections", counters->connections },
        { "refused_peers", counters->refused_peers },
        { "refused_connections", counters->refused_connections },
        { "requests", counters->requests },
        { "bad_requests", counters->bad_requests },
        { "long_lines", counters->long_lines },
        { "refused_requests", counters->refused_requests },
        { "slow_readers", counters->slow_readers },
    };

    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
        json_object_set_new(row, cells[i].key, json_integer((json_int_t)cells[i].value));
}
