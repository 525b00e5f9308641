/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The control socket's client: one request at a time, blocking, each with a deadline.
 * One thread per client.
 */

#include <jansson.h>

struct rpc_client;

/** What the server answered instead of a result. */
struct rpc_client_error {
    int code;          /* enum rpc_error */
    char field[128];   /* the parameter at fault, or empty */
    char message[512]; /* for a person */
};

/**
 * Connects to the socket at `path`. Every later call has `timeout_ms` milliseconds.
 * @return 0 or a negative errno.
 */
int rpc_client_open(const char *path, unsigned timeout_ms, struct rpc_client **client);

/**
 * Calls `verb` with `params`, an object whose reference is taken over, and waits for the answer.
 * @return 0 with `*result` for the caller to release; -EREMOTEIO if the server refused, with
 * `*error` filled; -ETIMEDOUT; -EPROTO if the answer is not JSON-RPC; -EMSGSIZE if it is longer
 * than any server of ours sends; -ECONNRESET or another negative errno. After anything but 0 and
 * -EREMOTEIO the client is of no use any more.
 */
int rpc_client_call(struct rpc_client *client, const char *verb, json_t *params, json_t **result,
                    struct rpc_client_error *error);

/** Closes and frees; NULL is ignored. */
void rpc_client_close(struct rpc_client *client);
