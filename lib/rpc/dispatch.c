/* SPDX-License-Identifier: BSD-3-Clause */

/* From a line of a client to the handler of its verb, and back: JSON-RPC 2.0 without sockets. */

#include "lib/rpc/dispatch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#define ID_OCTETS_MAX 128

void
rpc_peer_init(struct rpc_peer *peer, struct rpc_dispatcher *dispatcher,
              void (*send)(struct rpc_peer *peer, const char *line, size_t length))
{
    *peer = (struct rpc_peer){ .dispatcher = dispatcher, .send = send };
    LIST_INIT(&peer->pending);
}

void
rpc_peer_close(struct rpc_peer *peer)
{
    struct rpc_request *request;

    LIST_FOREACH(request, &peer->pending, link)
    request->peer = NULL;
    LIST_INIT(&peer->pending);
    peer->n_pending = 0;
    peer->closing = true;
}

int
rpc_dispatcher_add(struct rpc_dispatcher *dispatcher, const struct rpc_verb *verbs, size_t n,
                   void *context)
{
    struct rpc_verb_group *groups =
        reallocarray(dispatcher->groups, dispatcher->n_groups + 1, sizeof(*groups));

    if (groups == NULL)
        return -ENOMEM;
    groups[dispatcher->n_groups++] = (struct rpc_verb_group){ verbs, n, context };
    dispatcher->groups = groups;
    return 0;
}

/* Sends `message`, whose reference is taken over. */
static void
send_message(struct rpc_peer *peer, json_t *message)
{
    char *line = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    size_t length = line == NULL ? 0 : strlen(line);

    json_decref(message);
    if (line != NULL) {
        line[length] = '\n'; /* in the place of the final zero */
        peer->send(peer, line, length + 1);
    }
    free(line);
}

void
rpc_peer_error(struct rpc_peer *peer, const json_t *id, enum rpc_error code, const char *field,
               const char *text)
{
    json_t *error = json_pack("{s:i, s:s}", "code", (int)code, "message", text);

    if (field != NULL)
        json_object_set_new(error, "data", json_pack("{s:s}", "field", field));
    send_message(peer, json_pack("{s:s, s:O?, s:o}", "jsonrpc", "2.0", "id", id, "error", error));
}

static void
free_request(struct rpc_request *request)
{
    if (request->peer != NULL) {
        LIST_REMOVE(request, link);
        request->peer->n_pending--;
    }
    json_decref(request->id);
    free(request);
}

void
rpc_reply(struct rpc_request *request, json_t *result)
{
    if (result == NULL) {
        rpc_fail(request, RPC_INTERNAL, NULL, "out of memory");
        return;
    }
    if (request->peer != NULL)
        send_message(request->peer, json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id",
                                              request->id, "result", result));
    else
        json_decref(result);
    free_request(request);
}

/* A text that holds what came from elsewhere, or was cut, may not be UTF-8, as JSON must be. */
static void
replace_bad_utf8(char *text)
{
    json_t *valid = json_string(text);

    for (; valid == NULL && *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            *text = '?';
    }
    json_decref(valid);
}

void
rpc_fail(struct rpc_request *request, enum rpc_error code, const char *field, const char *format,
         ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    replace_bad_utf8(text);
    if (request->peer != NULL)
        rpc_peer_error(request->peer, request->id, code, field, text);
    free_request(request);
}

static const struct rpc_verb *
find_verb(const struct rpc_dispatcher *dispatcher, const char *name, void **context)
{
    for (size_t g = 0; g < dispatcher->n_groups; g++) {
        const struct rpc_verb_group *group = &dispatcher->groups[g];
        for (size_t i = 0; i < group->n; i++) {
            if (strcmp(group->verbs[i].name, name) == 0) {
                *context = group->context;
                return &group->verbs[i];
            }
        }
    }
    return NULL;
}

/* Notifications (requests without an id) are refused: nothing is done here without an answer that
 * says how it went. */
static bool
id_is_valid(const json_t *id)
{
    return json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= ID_OCTETS_MAX);
}

/* Refuses a line before a handler saw it. */
static void
refuse(struct rpc_peer *peer, const json_t *id, enum rpc_error code, const char *field,
       const char *text)
{
    peer->dispatcher->counters.bad_requests++;
    rpc_peer_error(peer, id, code, field, text);
}

static void
handle(struct rpc_peer *peer, const json_t *message, json_t *empty)
{
    json_t *id = json_object_get(message, "id");
    const json_t *params = json_object_get(message, "params");
    const char *version = json_string_value(json_object_get(message, "jsonrpc"));
    const char *name = json_string_value(json_object_get(message, "method"));
    const char *field, *problem;
    char text[128];
    void *context = NULL;

    if (!id_is_valid(id)) {
        refuse(peer, NULL, RPC_INVALID_REQUEST, "id", "expected a short string or an integer");
        return;
    }
    if (version == NULL || strcmp(version, "2.0") != 0) {
        refuse(peer, id, RPC_INVALID_REQUEST, "jsonrpc", "expected \"2.0\"");
        return;
    }
    if (name == NULL) {
        refuse(peer, id, RPC_INVALID_REQUEST, "method", "expected the name of a verb");
        return;
    }
    if (params == NULL)
        params = empty;
    if (!json_is_object(params)) {
        refuse(peer, id, RPC_INVALID_PARAMETER, "params", "expected an object");
        return;
    }

    const struct rpc_verb *verb = find_verb(peer->dispatcher, name, &context);
    if (verb == NULL) {
        refuse(peer, id, RPC_UNKNOWN_VERB, "method", "unknown verb");
        return;
    }
    problem = rpc_check_parameters(verb->parameters, params, &field, text);
    if (problem != NULL) {
        refuse(peer, id, RPC_INVALID_PARAMETER, field, problem);
        return;
    }
    if (peer->n_pending >= peer->dispatcher->limits.pending) {
        peer->dispatcher->counters.refused_requests++;
        rpc_peer_error(peer, id, RPC_BUSY, NULL, "too many unanswered requests");
        return;
    }

    struct rpc_request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        refuse(peer, id, RPC_INTERNAL, NULL, "out of memory");
        return;
    }
    request->peer = peer;
    request->id = json_incref(id);
    LIST_INSERT_HEAD(&peer->pending, request, link);
    peer->n_pending++;
    peer->dispatcher->counters.requests++;
    verb->handle(request, params, context);
}

void
rpc_peer_line(struct rpc_peer *peer, const char *line, size_t length)
{
    json_error_t error;
    char text[128];

    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return;

    json_t *message = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    json_t *empty = json_object();
    if (message == NULL) {
        snprintf(text, sizeof(text), "not JSON, octet %d", error.position);
        refuse(peer, NULL, RPC_PARSE_ERROR, NULL, text);
    } else if (!json_is_object(message)) {
        refuse(peer, NULL, RPC_INVALID_REQUEST, NULL, "expected an object, one a line");
    } else {
        handle(peer, message, empty);
    }
    json_decref(empty);
    json_decref(message);
}

bool
rpc_peer_take(struct rpc_peer *peer, struct evbuffer *input, unsigned lines)
{
    while (!peer->closing) {
        struct evbuffer_ptr from, end;
        size_t length = evbuffer_get_length(input);

        evbuffer_ptr_set(input, &from, peer->scanned, EVBUFFER_PTR_SET);
        end = evbuffer_search(input, "\n", 1, &from);
        if ((end.pos < 0 ? length : (size_t)end.pos) > peer->dispatcher->limits.line_octets) {
            peer->dispatcher->counters.long_lines++;
            rpc_peer_error(peer, NULL, RPC_INVALID_REQUEST, NULL, "the line is too long");
            peer->closing = true;
            break;
        }
        if (end.pos < 0) {
            peer->scanned = length;
            break;
        }
        if (lines-- == 0)
            return true;
        peer->scanned = 0;

        const char *line = (const char *)evbuffer_pullup(input, end.pos + 1);
        if (line == NULL) { /* out of memory */
            peer->closing = true;
            break;
        }
        rpc_peer_line(peer, line, (size_t)end.pos);
        evbuffer_drain(input, (size_t)end.pos + 1);
    }
    return false;
}
