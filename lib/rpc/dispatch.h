/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside lib/rpc: from octets of a client to a verb's handler and back, without sockets, so that it
 * runs in tests and under the fuzzer.
 */

#include <sys/queue.h>

#include "lib/rpc/server.h"

struct evbuffer;

struct rpc_verb_group {
    const struct rpc_verb *verbs;
    size_t n;
    void *context;
};

struct rpc_dispatcher {
    struct rpc_verb_group *groups;
    size_t n_groups;
    struct rpc_limits limits;
    struct rpc_counters counters;
};

struct rpc_peer {
    struct rpc_dispatcher *dispatcher;
    /** Takes a copy of an answer of `length` octets, its newline included. May not free the peer.
     */
    void (*send)(struct rpc_peer *peer, const char *line, size_t length);
    LIST_HEAD(, rpc_request) pending;
    unsigned n_pending;
    size_t scanned; /* octets of the input known to hold no newline */
    bool closing;   /* nothing more is taken from this peer */
};

struct rpc_request {
    LIST_ENTRY(rpc_request) link;
    struct rpc_peer *peer; /* NULL once the client has gone */
    json_t *id;
};

/** A peer without requests. */
void rpc_peer_init(struct rpc_peer *peer, struct rpc_dispatcher *dispatcher,
                   void (*send)(struct rpc_peer *peer, const char *line, size_t length));

/**
 * Handles up to `lines` whole lines from the front of `input`. A line beyond the limit is answered
 * with an error and makes the peer `closing`.
 * @return true if there may be another whole line.
 */
bool rpc_peer_take(struct rpc_peer *peer, struct evbuffer *input, unsigned lines);

/** Handles one line, without its newline. */
void rpc_peer_line(struct rpc_peer *peer, const char *line, size_t length);

/** Lets go of the peer's unanswered requests: their answers will go nowhere. */
void rpc_peer_close(struct rpc_peer *peer);

/** Adds verbs: see rpc_server_add(). */
int rpc_dispatcher_add(struct rpc_dispatcher *dispatcher, const struct rpc_verb *verbs, size_t n,
                       void *context);

/** Sends an error; `id` NULL stands for null. */
void rpc_peer_error(struct rpc_peer *peer, const json_t *id, enum rpc_error code, const char *field,
                    const char *text);

/**
 * Checks `params` against a verb's table (NULL: no parameters).
 * @return NULL, or the text of what is wrong, with `*field` the name of the parameter at fault
 * (points into `params` or the table).
 */
const char *rpc_check_parameters(const struct rpc_parameter *table, const json_t *params,
                                 const char **field, char text[128]);
