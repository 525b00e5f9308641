/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/rpc: lines and their answers, parameters against their table, bounds, and the two ends over a
 * real socket. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "lib/rpc/client.h"
#include "lib/rpc/dispatch.h"
#include "lib/rpc/server.h"

#define TIMEOUT_MS 60000

/* Verbs for the tests. */

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
    __atomic_store_n(&kept, request, __ATOMIC_RELEASE);
}

static void
handle_refuse(struct rpc_request *request, const json_t *params, void *context)
{
    (void)context;
    rpc_fail(request, RPC_NOT_FOUND, "name", "no interface \"%s\"", rpc_string(params, "name", ""));
}

/* Numbers 0 to 2499 in pages. */
static void
handle_list(struct rpc_request *request, const json_t *params, void *context)
{
    const char *after = rpc_page_after(params);
    int from = after == NULL ? 0 : atoi(after) + 1, i;
    char next[16] = "";
    json_t *list = json_array();
    (void)context;

    for (i = from; i < 2500 && i < from + (int)rpc_page_limit(params); i++)
        json_array_append_new(list, json_pack("{s:i}", "number", i));
    if (i < 2500)
        snprintf(next, sizeof(next), "%d", i - 1);
    rpc_reply(request, rpc_page_result("numbers", list, next[0] == '\0' ? NULL : next));
}

static void
handle_big(struct rpc_request *request, const json_t *params, void *context)
{
    static char text[100001];
    (void)params, (void)context;

    memset(text, 'x', sizeof(text) - 1);
    rpc_reply(request, json_pack("{s:s}", "text", text));
}

static void
handle_stop(struct rpc_request *request, const json_t *params, void *context)
{
    (void)params;
    rpc_reply(request, json_object());
    event_base_loopbreak(context);
}

static const struct rpc_parameter parameters[] = {
    { "name", RPC_STRING, true, 0, 8 },    { "vlan", RPC_INTEGER, false, 1, 4094 },
    { "drain", RPC_BOOLEAN, false, 0, 0 }, { "addresses", RPC_STRINGS, false, 0, 0 },
    { "any", RPC_INTEGER, false, 0, 0 },   { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_parameter page_parameters[] = {
    RPC_PAGE_PARAMETERS,
    { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_verb verbs[] = {
    { "vif.add", parameters, handle_echo },          { "vif.keep", parameters, handle_keep },
    { "vif.del", parameters, handle_refuse },        { "none", NULL, handle_echo },
    { "number.list", page_parameters, handle_list }, { "big", NULL, handle_big },
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Without sockets. */

static char answers[1 << 16];
static size_t answers_length;

static void
collect(struct rpc_peer *peer, const char *line, size_t length)
{
    (void)peer;
    assert_true(answers_length + length < sizeof(answers));
    memcpy(answers + answers_length, line, length);
    answers_length += length;
    answers[answers_length] = '\0';
}

static void
start(struct rpc_dispatcher *dispatcher, struct rpc_peer *peer)
{
    *dispatcher = (struct rpc_dispatcher){ .limits = RPC_LIMITS_DEFAULT };
    assert_int_equal(rpc_dispatcher_add(dispatcher, verbs, N_VERBS, NULL), 0);
    rpc_peer_init(peer, dispatcher, collect);
    answers_length = 0;
    answers[0] = '\0';
}

#define REQUEST(method, params) \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"" method "\",\"params\":" params "}"

static void
bad_lines_get_an_error_with_the_field(void **state)
{
    static const struct {
        const char *line;
        int code;
        const char *field;   /* NULL: none */
        const char *message; /* a part of it */
    } cases[] = {
        { "hello", RPC_PARSE_ERROR, NULL, "not JSON" },
        { "{\"jsonrpc\":\"2.0\"", RPC_PARSE_ERROR, NULL, "not JSON" },
        { "{\"id\":1,\"id\":2}", RPC_PARSE_ERROR, NULL, "not JSON" },
        { "[]", RPC_INVALID_REQUEST, NULL, "object" },
        { "7", RPC_INVALID_REQUEST, NULL, "object" },
        { "{}", RPC_INVALID_REQUEST, "id", "integer" },
        { "{\"id\":{}}", RPC_INVALID_REQUEST, "id", "integer" },
        { "{\"id\":1}", RPC_INVALID_REQUEST, "jsonrpc", "2.0" },
        { "{\"id\":1,\"jsonrpc\":\"1.0\"}", RPC_INVALID_REQUEST, "jsonrpc", "2.0" },
        { "{\"id\":1,\"jsonrpc\":\"2.0\"}", RPC_INVALID_REQUEST, "method", "verb" },
        { REQUEST("vif.fly", "{}"), RPC_UNKNOWN_VERB, "method", "unknown verb" },
        { REQUEST("vif.add", "[]"), RPC_INVALID_PARAMETER, "params", "object" },
        { REQUEST("vif.add", "{}"), RPC_INVALID_PARAMETER, "name", "missing" },
        { REQUEST("vif.add", "{\"name\":1}"), RPC_INVALID_PARAMETER, "name", "1 to 8 octets" },
        { REQUEST("vif.add", "{\"name\":\"\"}"), RPC_INVALID_PARAMETER, "name", "octets" },
        { REQUEST("vif.add", "{\"name\":\"123456789\"}"), RPC_INVALID_PARAMETER, "name", "octets" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"x\":1}"), RPC_INVALID_PARAMETER, "x", "unknown" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"vlan\":0}"), RPC_INVALID_PARAMETER, "vlan",
          "from 1 to 4094" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"vlan\":\"1\"}"), RPC_INVALID_PARAMETER, "vlan",
          "integer" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"any\":-1}"), RPC_INVALID_PARAMETER, "any",
          "not negative" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"drain\":1}"), RPC_INVALID_PARAMETER, "drain",
          "true or false" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"addresses\":\"b\"}"), RPC_INVALID_PARAMETER,
          "addresses", "list of strings" },
        { REQUEST("vif.add", "{\"name\":\"a\",\"addresses\":[1]}"), RPC_INVALID_PARAMETER,
          "addresses", "in the list, expected a string" },
        { REQUEST("none", "{\"name\":\"a\"}"), RPC_INVALID_PARAMETER, "name", "unknown" },
        { REQUEST("vif.del", "{\"name\":\"vm1\"}"), RPC_NOT_FOUND, "name", "no interface \"vm1\"" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rpc_dispatcher dispatcher;
        struct rpc_peer peer;

        start(&dispatcher, &peer);
        rpc_peer_line(&peer, cases[i].line, strlen(cases[i].line));
        json_t *answer = json_loads(answers, 0, NULL);
        const json_t *error = json_object_get(answer, "error");
        const json_t *field = json_object_get(json_object_get(error, "data"), "field");
        assert_int_equal(json_integer_value(json_object_get(error, "code")), cases[i].code);
        if (cases[i].field == NULL)
            assert_null(field);
        else
            assert_string_equal(json_string_value(field), cases[i].field);
        assert_non_null(
            strstr(json_string_value(json_object_get(error, "message")), cases[i].message));
        assert_int_equal(peer.n_pending, 0);
        json_decref(answer);
        free(dispatcher.groups);
    }
}

static void
a_text_that_is_not_utf8_is_answered_all_the_same(void **state)
{
    struct rpc_dispatcher dispatcher;
    struct rpc_peer peer;
    (void)state;

    start(&dispatcher, &peer);
    rpc_peer_line(&peer, REQUEST("vif.keep", "{\"name\":\"a\"}"),
                  strlen(REQUEST("vif.keep", "{\"name\":\"a\"}")));
    rpc_fail(kept, RPC_REFUSED, NULL, "half \xc3");
    assert_non_null(strstr(answers, "half ?"));
    free(dispatcher.groups);
}

static void
lines_come_in_pieces_and_in_heaps(void **state)
{
    static const char text[] = REQUEST("none", "{}") "\r\n\n" REQUEST("none", "{}") "\n{\"id\"";
    struct rpc_dispatcher dispatcher;
    struct rpc_peer peer;
    struct evbuffer *input = evbuffer_new();
    (void)state;

    start(&dispatcher, &peer);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        evbuffer_add(input, text + i, 1);
        assert_false(rpc_peer_take(&peer, input, 2));
    }
    assert_string_equal(answers, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n"
                                 "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n");
    assert_int_equal(evbuffer_get_length(input), 5);

    evbuffer_drain(input, 5);
    peer.scanned = 0;
    evbuffer_add(input, "\n\n\n", 3);
    assert_true(rpc_peer_take(&peer, input, 2));
    assert_false(rpc_peer_take(&peer, input, 2));
    evbuffer_free(input);
    free(dispatcher.groups);
}

static void
a_long_line_is_refused_and_ends_the_peer(void **state)
{
    struct rpc_dispatcher dispatcher;
    struct rpc_peer peer;
    struct evbuffer *input = evbuffer_new();
    (void)state;

    start(&dispatcher, &peer);
    dispatcher.limits.line_octets = 10;
    evbuffer_add(input, "          ", 10);
    rpc_peer_take(&peer, input, 1);
    assert_false(peer.closing);
    evbuffer_add(input, " ", 1);
    rpc_peer_take(&peer, input, 1);
    assert_true(peer.closing);
    assert_int_equal(dispatcher.counters.long_lines, 1);
    assert_non_null(strstr(answers, "too long"));
    evbuffer_free(input);
    free(dispatcher.groups);
}

static void
unanswered_requests_are_bounded_and_outlive_their_client(void **state)
{
    static const char line[] = REQUEST("vif.keep", "{\"name\":\"a\"}");
    struct rpc_dispatcher dispatcher;
    struct rpc_peer peer;
    (void)state;

    start(&dispatcher, &peer);
    dispatcher.limits.pending = 1;
    rpc_peer_line(&peer, line, strlen(line));
    struct rpc_request *first = kept;
    assert_int_equal(answers_length, 0);
    rpc_peer_line(&peer, line, strlen(line));
    assert_non_null(strstr(answers, "unanswered"));
    assert_int_equal(dispatcher.counters.refused_requests, 1);
    assert_int_equal(dispatcher.counters.requests, 1);

    answers_length = 0;
    rpc_peer_close(&peer);
    rpc_reply(first, json_object());
    assert_int_equal(answers_length, 0);
    free(dispatcher.groups);
}

/* Over a socket: the server in a thread of its own. */

struct fixture {
    char directory[32], path[64];
    struct event_base *base;
    struct rpc_server *server;
    pthread_t thread;
    struct rpc_client *client;
    struct rpc_counters counters; /* at the server's end */
};

static const struct rpc_verb stop_verb = { "stop", NULL, handle_stop };

/* The answer to "stop" is sent when the server goes, after the loop's end. */
static void *
run_server(void *context)
{
    struct fixture *f = context;

    event_base_dispatch(f->base);
    f->counters = *rpc_server_counters(f->server);
    rpc_server_free(f->server);
    return NULL;
}

static void
open_fixture(struct fixture *f, const struct rpc_limits *limits)
{
    *f = (struct fixture){ .directory = "/tmp/millrace-test-XXXXXX" };
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof(f->path), "%s/socket", f->directory);
    f->base = event_base_new();
    f->server = rpc_server_new(f->base, limits);
    assert_int_equal(rpc_server_add(f->server, verbs, N_VERBS, NULL), 0);
    assert_int_equal(rpc_server_add(f->server, &stop_verb, 1, f->base), 0);
    assert_int_equal(rpc_server_listen(f->server, f->path, 0600, NULL), 0);
    pthread_create(&f->thread, NULL, run_server, f);
    assert_int_equal(rpc_client_open(f->path, TIMEOUT_MS, &f->client), 0);
}

static struct rpc_counters
close_fixture(struct fixture *f)
{
    struct rpc_client_error error;
    json_t *result;

    assert_int_equal(rpc_client_call(f->client, "stop", json_object(), &result, &error), 0);
    json_decref(result);
    rpc_client_close(f->client);
    pthread_join(f->thread, NULL);
    event_base_free(f->base);
    assert_int_equal(access(f->path, F_OK), -1);
    rmdir(f->directory);
    return f->counters;
}

static int
open_raw(const struct fixture *f)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval timeout = { TIMEOUT_MS / 1000, 0 };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    return fd;
}

/* Reads until the server closes; returns the octets. */
static size_t
read_to_end(int fd, char *text, size_t room)
{
    size_t used = 0;
    ssize_t n;

    while ((n = read(fd, text + used, room - used - 1)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    assert_true(n == 0 || errno == ECONNRESET);
    close(fd);
    return used;
}

static void
client_and_server_understand_each_other(void **state)
{
    struct fixture f;
    struct rpc_client_error error;
    struct stat status;
    json_t *result = NULL;
    (void)state;

    open_fixture(&f, &RPC_LIMITS_DEFAULT);
    assert_int_equal(stat(f.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(
        rpc_client_call(f.client, "vif.add", json_pack("{s:s}", "name", "vm1"), &result, &error),
        0);
    assert_string_equal(rpc_string(result, "name", ""), "vm1");
    json_decref(result);
    assert_int_equal(
        rpc_client_call(f.client, "vif.del", json_pack("{s:s}", "name", "vm1"), &result, &error),
        -EREMOTEIO);
    assert_int_equal(error.code, RPC_NOT_FOUND);
    assert_string_equal(error.field, "name");
    assert_string_equal(error.message, "no interface \"vm1\"");
    struct rpc_counters counters = close_fixture(&f);
    assert_int_equal(counters.requests, 3);
}

static void
lists_come_in_pages(void **state)
{
    struct fixture f;
    struct rpc_client_error error;
    unsigned pages = 0, numbers = 0;
    char after[32] = "";
    (void)state;

    open_fixture(&f, &RPC_LIMITS_DEFAULT);
    for (;;) {
        json_t *result, *params = json_pack("{s:i}", "limit", 1000);
        if (after[0] != '\0')
            json_object_set_new(params, "after", json_string(after));
        assert_int_equal(rpc_client_call(f.client, "number.list", params, &result, &error), 0);
        pages++;
        numbers += (unsigned)json_array_size(json_object_get(result, "numbers"));
        snprintf(after, sizeof(after), "%s", rpc_string(result, "next", ""));
        json_decref(result);
        if (after[0] == '\0')
            break;
    }
    assert_int_equal(pages, 3);
    assert_int_equal(numbers, 2500);
    close_fixture(&f);
}

static void
a_half_closed_client_still_gets_its_answers(void **state)
{
    static const char line[] = REQUEST("none", "{}") "\n";
    struct fixture f;
    char text[4096];
    (void)state;

    open_fixture(&f, &RPC_LIMITS_DEFAULT);
    int fd = open_raw(&f);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    shutdown(fd, SHUT_WR);
    read_to_end(fd, text, sizeof(text));
    assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n");
    close_fixture(&f);
}

static void
a_client_that_reads_nothing_is_bounded_then_closed(void **state)
{
    static const char line[] = REQUEST("big", "{}") "\n";
    struct rpc_limits limits = RPC_LIMITS_DEFAULT;
    (void)state;

    limits.output_octets = 1 << 20; /* ten answers; sixteen are taken in one turn */
    struct fixture f;

    open_fixture(&f, &limits);
    static char text[8 << 20];
    char heap[64 * sizeof(line)] = "";
    for (unsigned i = 0; i < 64; i++)
        strcat(heap, line);
    int fd = open_raw(&f);
    assert_int_equal(write(fd, heap, strlen(heap)), strlen(heap));

    /* The other clients do not notice. */
    struct rpc_client_error error;
    json_t *result;
    assert_int_equal(rpc_client_call(f.client, "none", json_object(), &result, &error), 0);
    json_decref(result);
    assert_true(read_to_end(fd, text, sizeof(text)) < 64 * 100000);
    struct rpc_counters counters = close_fixture(&f);
    assert_int_equal(counters.slow_readers, 1);
}

static void
connections_are_bounded(void **state)
{
    struct rpc_limits limits = RPC_LIMITS_DEFAULT;
    char text[16];
    (void)state;

    limits.connections = 1;
    struct fixture f;

    open_fixture(&f, &limits);
    struct rpc_client_error error;
    json_t *result;
    assert_int_equal(rpc_client_call(f.client, "none", json_object(), &result, &error), 0);
    json_decref(result);
    assert_int_equal(read_to_end(open_raw(&f), text, sizeof(text)), 0);
    struct rpc_counters counters = close_fixture(&f);
    assert_int_equal(counters.refused_connections, 1);
}

static void
only_a_dead_socket_is_replaced(void **state)
{
    struct fixture f;
    struct event_base *base = event_base_new();
    struct rpc_server *second = rpc_server_new(base, &RPC_LIMITS_DEFAULT);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char path[80];
    (void)state;

    open_fixture(&f, &RPC_LIMITS_DEFAULT);
    assert_int_equal(rpc_server_listen(second, f.path, 0600, NULL), -EADDRINUSE);
    assert_int_equal(rpc_server_listen(second, f.directory, 0600, NULL), -EEXIST);
    assert_int_equal(rpc_server_listen(second, "/nonexistent/y/x", 0600, NULL), -ENOENT);
    assert_int_equal(rpc_server_listen(second, f.path, 0600, "no-such-group"), -ENOENT);

    snprintf(path, sizeof(path), "%s/dead", f.directory);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(rpc_server_listen(second, path, 0660, "root"), 0);
    rpc_server_free(second);
    assert_int_equal(access(path, F_OK), -1);

    second = rpc_server_new(base, &RPC_LIMITS_DEFAULT);
    snprintf(path, sizeof(path), "%s/fresh/socket", f.directory);
    assert_int_equal(rpc_server_listen(second, path, 0600, NULL), 0);
    rpc_server_free(second);
    event_base_free(base);
    rmdir(dirname(path));
    close_fixture(&f);
}

static void
a_client_gives_up_at_its_deadline(void **state)
{
    struct fixture f;
    struct rpc_client *hasty;
    struct rpc_client_error error;
    json_t *result;
    (void)state;

    kept = NULL;
    open_fixture(&f, &RPC_LIMITS_DEFAULT);
    assert_int_equal(rpc_client_open(f.path, 1, &hasty), 0);
    assert_int_equal(
        rpc_client_call(hasty, "vif.keep", json_pack("{s:s}", "name", "vm1"), &result, &error),
        -ETIMEDOUT);
    /* the server's thread may come to it later than the client has given up */
    for (unsigned ms = 0; __atomic_load_n(&kept, __ATOMIC_ACQUIRE) == NULL && ms < TIMEOUT_MS; ms++)
        usleep(1000);
    assert_non_null(kept);
    rpc_client_close(hasty);
    close_fixture(&f);
    rpc_reply(kept, json_object()); /* the client has gone, and so has the server */
    assert_int_equal(rpc_client_open("/nonexistent/x", 1, &hasty), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_get_an_error_with_the_field),
        cmocka_unit_test(a_text_that_is_not_utf8_is_answered_all_the_same),
        cmocka_unit_test(lines_come_in_pieces_and_in_heaps),
        cmocka_unit_test(a_long_line_is_refused_and_ends_the_peer),
        cmocka_unit_test(unanswered_requests_are_bounded_and_outlive_their_client),
        cmocka_unit_test(client_and_server_understand_each_other),
        cmocka_unit_test(lists_come_in_pages),
        cmocka_unit_test(a_half_closed_client_still_gets_its_answers),
        cmocka_unit_test(a_client_that_reads_nothing_is_bounded_then_closed),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(only_a_dead_socket_is_replaced),
        cmocka_unit_test(a_client_gives_up_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
