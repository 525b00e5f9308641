/* SPDX-License-Identifier: BSD-3-Clause */

/* The control socket's blocking client: a line out, a line back, before the deadline. */

#include "lib/rpc/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define ANSWER_OCTETS_MAX (16u << 20)
#define READ_OCTETS       65536u

struct rpc_client {
    int fd;
    unsigned timeout_ms;
    json_int_t last_id;
    char *buffer; /* what was read and not yet used: at most the answer and what follows */
    size_t used, room;
};

int
rpc_client_open(const char *path, unsigned timeout_ms, struct rpc_client **client)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int error;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    struct rpc_client *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return -ENOMEM;
    fresh->timeout_ms = timeout_ms;
    fresh->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fresh->fd < 0 || connect(fresh->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        error = -errno;
        rpc_client_close(fresh);
        return error;
    }
    *client = fresh;
    return 0;
}

void
rpc_client_close(struct rpc_client *client)
{
    if (client == NULL)
        return;
    if (client->fd >= 0)
        close(client->fd);
    free(client->buffer);
    free(client);
}

/* Waits until the socket is ready for `events` or the deadline has passed. */
static int
wait_for(const struct rpc_client *client, short events, uint64_t deadline)
{
    struct pollfd ready = { client->fd, events, 0 };

    for (;;) {
        uint64_t now = clock_monotonic_ms();
        int n = poll(&ready, 1, now >= deadline ? 0 : (int)(deadline - now));
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int
send_line(struct rpc_client *client, const char *line, size_t length, uint64_t deadline)
{
    while (length > 0) {
        ssize_t n = send(client->fd, line, length, MSG_NOSIGNAL);
        if (n > 0) {
            line += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            int error = wait_for(client, POLLOUT, deadline);
            if (error != 0)
                return error;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static int
make_room(struct rpc_client *client)
{
    if (client->room - client->used >= READ_OCTETS)
        return 0;
    size_t room = client->room == 0 ? READ_OCTETS * 2 : client->room * 2;
    char *larger = realloc(client->buffer, room);
    if (larger == NULL)
        return -ENOMEM;
    client->buffer = larger;
    client->room = room;
    return 0;
}

/* Reads until the buffer starts with a whole line of `*length` octets, its newline included. */
static int
receive_line(struct rpc_client *client, uint64_t deadline, size_t *length)
{
    size_t scanned = 0;

    for (;;) {
        const char *end = client->used == scanned
                              ? NULL
                              : memchr(client->buffer + scanned, '\n', client->used - scanned);
        if (end != NULL) {
            *length = (size_t)(end - client->buffer) + 1;
            return 0;
        }
        scanned = client->used;
        if (scanned > ANSWER_OCTETS_MAX)
            return -EMSGSIZE;
        int error = make_room(client);
        if (error == 0)
            error = wait_for(client, POLLIN, deadline);
        if (error != 0)
            return error;
        ssize_t n = recv(client->fd, client->buffer + client->used, READ_OCTETS, 0);
        if (n == 0)
            return -ECONNRESET;
        if (n > 0)
            client->used += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

/* What a whole answer means. */
static int
understand(const json_t *answer, json_int_t id, json_t **result, struct rpc_client_error *error)
{
    const json_t *refusal = json_object_get(answer, "error");
    const json_t *answered = json_object_get(answer, "id");
    const char *field, *message;

    if (json_is_object(refusal)) {
        field = json_string_value(json_object_get(json_object_get(refusal, "data"), "field"));
        message = json_string_value(json_object_get(refusal, "message"));
        error->code = (int)json_integer_value(json_object_get(refusal, "code"));
        snprintf(error->field, sizeof(error->field), "%s", field == NULL ? "" : field);
        snprintf(error->message, sizeof(error->message), "%s", message == NULL ? "" : message);
        return -EREMOTEIO;
    }
    if (!json_is_integer(answered) || json_integer_value(answered) != id ||
        json_object_get(answer, "result") == NULL)
        return -EPROTO;
    *result = json_incref(json_object_get(answer, "result"));
    return 0;
}

int
rpc_client_call(struct rpc_client *client, const char *verb, json_t *params, json_t **result,
                struct rpc_client_error *error)
{
    uint64_t deadline = clock_monotonic_ms() + client->timeout_ms;
    json_int_t id = ++client->last_id;
    json_t *request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method", verb,
                                "params", params);
    char *line = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    size_t length;

    json_decref(request);
    if (line == NULL)
        return -ENOMEM;
    length = strlen(line);
    line[length] = '\n'; /* in the place of the final zero */
    int status = send_line(client, line, length + 1, deadline);
    free(line);
    if (status == 0)
        status = receive_line(client, deadline, &length);
    if (status != 0)
        return status;

    json_t *answer = json_loadb(client->buffer, length, JSON_REJECT_DUPLICATES, NULL);
    client->used -= length;
    memmove(client->buffer, client->buffer + length, client->used);
    status = understand(answer, id, result, error);
    json_decref(answer);
    return status;
}
