/* SPDX-License-Identifier: BSD-3-Clause */

/* The control socket's lines: whatever a client sends, each line gets at most one answer that is a
 * line of JSON, and nothing is left behind. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "lib/rpc/dispatch.h"

static struct rpc_request *kept;

static void
handle_echo(struct rpc_request *request, const json_t *params, void *context)
{
    (void)context;
    rpc_reply(request, json_deep_copy(params));
}

static void
handle_keep(struct rpc_request *request, const json_t *params, void *context)
{
    (void)params, (void)context;
    if (kept != NULL)
        rpc_fail(kept, RPC_NOT_FOUND, "name", "%s", rpc_string(params, "name", ""));
    kept = request;
}

static const struct rpc_parameter parameters[] = {
    { "name", RPC_STRING, true, 0, 0 },
    { "vlan", RPC_INTEGER, false, 1, 4094 },
    { "drain", RPC_BOOLEAN, false, 0, 0 },
    { "addresses", RPC_STRINGS, false, 0, 0 },
    RPC_PAGE_PARAMETERS,
    { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_verb verbs[] = {
    { "vif.add", parameters, handle_echo },
    { "vif.del", parameters, handle_keep },
    { "stop", NULL, handle_echo },
};

static void
check_answer(struct rpc_peer *peer, const char *line, size_t length)
{
    json_t *answer = json_loadb(line, length, 0, NULL);

    (void)peer;
    if (!json_is_object(answer) || memchr(line, '\n', length) != line + length - 1)
        abort();
    json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_dispatcher dispatcher = { .limits = RPC_LIMITS_DEFAULT };
    struct rpc_peer peer;
    struct evbuffer *input = evbuffer_new();

    dispatcher.limits.line_octets = 4096;
    dispatcher.limits.pending = 2;
    if (input == NULL || rpc_dispatcher_add(&dispatcher, verbs, 3, NULL) != 0)
        abort();
    rpc_peer_init(&peer, &dispatcher, check_answer);
    while (size > 0) { /* in pieces, as a socket gives them */
        size_t piece = size < 97 ? size : 97;
        evbuffer_add(input, data, piece);
        while (rpc_peer_take(&peer, input, 1)) {
        }
        data += piece;
        size -= piece;
    }
    rpc_peer_close(&peer);
    if (kept != NULL)
        rpc_reply(kept, json_object());
    kept = NULL;
    evbuffer_free(input);
    free(dispatcher.groups);
    return 0;
}
