/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The control socket's server: JSON-RPC 2.0, one request a line, on a UNIX stream socket.
 *
 * A part of the daemon registers a table of verbs. Parameters are checked against the verb's table
 * before its handler runs, so a handler meets only known parameters of the right type. A handler
 * answers at once or later; a client that has gone meanwhile is no concern of the handler's.
 * Everything a client can make grow has a bound, and every bound a counter.
 *
 * Every function here runs on the thread of the event loop (control).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

struct event_base;
struct rpc_server;
struct rpc_request;

enum rpc_type {
    RPC_STRING,  /* max: octets, 0 means RPC_STRING_MAX; never empty */
    RPC_INTEGER, /* min to max; both 0 means 0 to INT64_MAX */
    RPC_BOOLEAN,
    RPC_STRINGS, /* a list of strings, at most RPC_STRINGS_MAX */
};

#define RPC_STRING_MAX  1024
#define RPC_STRINGS_MAX 256

struct rpc_parameter {
    const char *name; /* NULL ends a table */
    enum rpc_type type;
    bool required;
    int64_t min, max;
};

/** Error codes beside those of JSON-RPC 2.0 section 5.1. */
enum rpc_error {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_UNKNOWN_VERB = -32601,
    RPC_INVALID_PARAMETER = -32602,
    RPC_INTERNAL = -32603,
    RPC_NOT_FOUND = -32001, /* what the field names does not exist */
    RPC_EXISTS = -32002,    /* what the field names exists already */
    RPC_REFUSED = -32003,   /* understood, but not in this state */
    RPC_BUSY = -32004,      /* a bound is reached, try again */
};

struct rpc_verb {
    const char *name;                       /* "vif.add" */
    const struct rpc_parameter *parameters; /* up to a NULL name; NULL: it takes none */

    /**
     * Handles one request. `params` is an object (borrowed, valid until the handler returns or
     * answers; keep a reference with json_incref() for later use). The handler must see to it that
     * rpc_reply() or rpc_fail() is called exactly once, in the handler or afterwards.
     */
    void (*handle)(struct rpc_request *request, const json_t *params, void *context);
};

/** What reached a bound, and what was served. */
struct rpc_counters {
    uint64_t connections;         /* accepted */
    uint64_t refused_peers;       /* closed: the peer's credentials */
    uint64_t refused_connections; /* closed: too many connections */
    uint64_t requests;            /* lines that were handed to a handler */
    uint64_t bad_requests;        /* lines that were answered with an error before a handler */
    uint64_t long_lines;          /* closed: a line over line_octets */
    uint64_t refused_requests;    /* answered busy: too many pending */
    uint64_t slow_readers;        /* closed: output_octets reached, or nothing read for 30 s */
};

struct rpc_limits {
    size_t line_octets;   /* a request */
    size_t output_octets; /* answers that a client has not read yet */
    unsigned connections;
    unsigned pending; /* unanswered requests of one client */
};

#define RPC_LIMITS_DEFAULT ((struct rpc_limits){ 1 << 20, 8 << 20, 64, 64 })

/** A server without verbs and without a socket, or NULL without memory. */
struct rpc_server *rpc_server_new(struct event_base *base, const struct rpc_limits *limits);

/**
 * Adds `n` verbs; the table must outlive the server. `context` is handed to their handlers.
 * @return 0 or -ENOMEM.
 */
int rpc_server_add(struct rpc_server *server, const struct rpc_verb *verbs, size_t n,
                   void *context);

/**
 * Listens at `path`, with `mode`, owned by `group` (a name; NULL: the process's group). A socket
 * that a dead process left behind is replaced, its directory made if it is missing (but not that
 * one's). Accepted are peers that run as root, as the
 * process's own user, or as a member of `group` if one is named. From here on the process ignores
 * SIGPIPE.
 * @return 0, -EADDRINUSE (somebody listens there), -EEXIST (it is no socket), -ENOENT (no such
 * group or directory), or another negative errno.
 */
int rpc_server_listen(struct rpc_server *server, const char *path, mode_t mode, const char *group);

/** The counters, for reading. */
const struct rpc_counters *rpc_server_counters(const struct rpc_server *server);

/**
 * Sends what is ready (as far as a client takes it at once), closes every connection, removes the
 * socket. Requests that are still unanswered may be answered later all the same: to nobody.
 */
void rpc_server_free(struct rpc_server *server);

/** Answers with `result`, whose reference is taken over, and frees the request. A NULL result (out
 * of memory) answers with an internal error. */
void rpc_reply(struct rpc_request *request, json_t *result);

/**
 * Answers with an error and frees the request. `field` names the parameter at fault (NULL: none);
 * the text is for a person and doesn't repeat the field.
 */
void rpc_fail(struct rpc_request *request, enum rpc_error code, const char *field,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Long lists come in pages. A list verb takes the parameters RPC_PAGE_PARAMETERS, returns at most
 * rpc_page_limit() members that follow the cursor rpc_page_after() in the list's order, and
 * answers with rpc_page_result().
 */
#define RPC_PAGE_MAX     1000
#define RPC_PAGE_DEFAULT 500
#define RPC_PAGE_PARAMETERS                           \
    { "limit", RPC_INTEGER, false, 1, RPC_PAGE_MAX }, \
    {                                                 \
        "after", RPC_STRING, false, 0, 0              \
    }

/** How many members the page may have, 1 to RPC_PAGE_MAX. */
size_t rpc_page_limit(const json_t *params);

/** The cursor of the page before, as this verb gave it in "next"; NULL for the first page. */
const char *rpc_page_after(const json_t *params);

/** {"NOUNs": list, "next": next}; without "next" on the last page (`next` NULL). Takes over `list`;
 * NULL without memory. */
json_t *rpc_page_result(const char *nouns, json_t *list, const char *next);

/** A string, integer or boolean parameter; the fallback where the request does not have it. */
const char *rpc_string(const json_t *params, const char *name, const char *fallback);
int64_t rpc_integer(const json_t *params, const char *name, int64_t fallback);
bool rpc_boolean(const json_t *params, const char *name, bool fallback);
