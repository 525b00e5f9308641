/* SPDX-License-Identifier: BSD-3-Clause */

/* millracectl: words become parameters, lists become tables. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/cli/format.h"
#include "control/cli/table.h"
#include "control/cli/verbs.h"
#include "lib/rpc/server.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
words_name_verbs(void **state)
{
    static const struct {
        const char *words[4];
        const char *method; /* NULL: none */
        size_t used;
    } cases[] = {
        { { "vif", "list" }, "vif.list", 2 },
        { { "vif" }, "vif.list", 1 },
        { { "vif", "fly" }, NULL, 0 },
        { { "route", "list", "red" }, "route.list", 2 },
        { { "route", "red" }, "route.list", 1 },
        { { "counters" }, "counters.get", 1 },
        { { "counters", "vif" }, "counters.get", 1 },
        { { "stop", "--drain" }, "stop", 1 },
        { { "nonsense" }, NULL, 0 },
        { { NULL }, NULL, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t used = 0;
        const struct cli_verb *verb = cli_find_verb(cases[i].words, &used);
        if (cases[i].method == NULL) {
            assert_null(verb);
            continue;
        }
        assert_non_null(verb);
        assert_string_equal(verb->method, cases[i].method);
        assert_int_equal(used, cases[i].used);
    }
}

static void
words_become_parameters(void **state)
{
    static const struct {
        const char *words[12];
        const char *result; /* the parameters, or "!" and the problem */
    } cases[] = {
        { { "vif", "add", "vm1", "vpn=red", "vlan=100", "address=10.0.0.1,10.0.0.2",
            "address=10.0.0.3", "dhcp=false", "local-preference=200" },
          "{\"name\":\"vm1\",\"vpn\":\"red\",\"vlan\":100,"
          "\"addresses\":[\"10.0.0.1\",\"10.0.0.2\",\"10.0.0.3\"],\"dhcp\":false,"
          "\"local_preference\":200}" },
        { { "vif", "add" }, "!NAME: missing" },
        { { "vif", "add", "vm1", "vlan=x" }, "!vlan: expected a number" },
        { { "vif", "add", "vm1", "vlan=-1" }, "!vlan: expected a number" },
        { { "vif", "add", "vm1", "dhcp=maybe" }, "!dhcp: expected true or false" },
        { { "vif", "add", "vm1", "vpn=a", "vpn=b" }, "!vpn: given twice" },
        { { "vif", "add", "vm1", "vpn" }, "!vpn: unexpected" },
        { { "vif", "add", "vm1", "fly=1" }, "!fly=1: unexpected" },
        { { "vif", "add", "\xff" }, "!NAME: expected text in UTF-8" },
        { { "vif", "set", "vm1", "rate-in=100Mbit", "rate-out=0", "packet-rate-in=500",
            "mss-clamp=auto", "up=false" },
          "{\"name\":\"vm1\",\"rate_in\":100000000,\"rate_out\":0,\"packet_rate_in\":500,"
          "\"mss_clamp\":\"auto\",\"up\":false}" },
        { { "vif", "set", "vm1", "rate-in=fast" },
          "!rate-in: expected bits a second such as 100Mbit" },
        { { "vif", "set", "vm1", "vpn=red" }, "!vpn=red: unexpected" },
        { { "vif", "list", "x" }, "!x: unexpected" },
        { { "route", "list", "red" }, "{\"vrf\":\"red\"}" },
        { { "route", "list", "red", "10.0.0.0/8" }, "{\"vrf\":\"red\",\"prefix\":\"10.0.0.0/8\"}" },
        { { "route", "list", "red", "10.0.0.0/8", "x" }, "!x: unexpected" },
        { { "counters" }, "{}" },
        { { "counters", "get", "vif" }, "{\"of\":\"vif\"}" },
        { { "stop" }, "{}" },
        { { "stop", "--drain" }, "{\"drain\":true}" },
        { { "stop", "--fast" }, "!--fast: unknown option" },
        { { "explain", "vm1" }, "!PACKET: missing" },
        { { "explain", "vm1", "-n", "3", "some.pcap" },
          "{\"at\":\"vm1\",\"@number\":3,\"packet\":\"some.pcap\"}" },
        { { "explain", "vm1", "udp", "10.0.0.1", ">", "10.0.0.2:53", "df" },
          "{\"at\":\"vm1\",\"packet\":\"udp 10.0.0.1 > 10.0.0.2:53 df\"}" },
        { { "trace" }, "{}" },
        { { "trace", "vm1", "-c", "5", "udp", "port", "53", "--side", "outer" },
          "{\"at\":\"vm1\",\"@count\":5,\"filter\":\"udp port 53\",\"side\":\"outer\"}" },
        { { "capture" }, "!VIF|ENDPOINT|underlay: missing" },
        { { "capture", "vm1", "-w", "-", "tcp[13]", "-", "2", "==", "--", "0" },
          "{\"at\":\"vm1\",\"@file\":\"-\",\"filter\":\"tcp[13] - 2 == -- 0\"}" },
        { { "capture", "vm1", "-c" }, "!-c: expected a value" },
        { { "capture", "vm1", "-c", "x" }, "!-c: expected a number" },
        { { "capture", "vm1", "--snaplen", "96", "-c", "1", "-c", "2" }, "!-c: given twice" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char problem[256];
        size_t used;
        const struct cli_verb *verb = cli_find_verb(cases[i].words, &used);
        json_t *params = cli_parameters(verb, cases[i].words + used, problem);

        if (cases[i].result[0] == '!') {
            assert_null(params);
            assert_string_equal(problem, cases[i].result + 1);
            continue;
        }
        char *text = json_dumps(params, JSON_COMPACT);
        assert_string_equal(text, cases[i].result);
        free(text);
        json_decref(params);
    }
}

static void
values_become_cells(void **state)
{
    static const struct {
        cli_formatter *format;
        const char *json, *cell;
    } cases[] = {
        { format_any, "\"a\"", "a" },
        { format_any, "\"\"", "-" },
        { format_any, "null", "-" },
        { format_any, "[]", "-" },
        { format_any, "17", "17" },
        { format_any, "true", "yes" },
        { format_any, "false", "no" },
        { format_any, "[\"a\",2]", "a,2" },
        { format_any, "1.25", "1.2" },
        { format_any, "\"\\u001b[31m\"", "?[31m" },
        { format_any, "\"\\u009b\"", "??" },
        { format_age, "119", "119s" },
        { format_age, "120", "2m" },
        { format_age, "7200", "2h" },
        { format_age, "172800", "2d" },
        { format_age, "-1", "-" },
        { format_age, "null", "-" },
        { format_percent, "97.4", "97 %" },
        { format_percent, "\"\"", "-" },
        { format_next_hops, "[\"192.0.2.1\",{\"address\":\"192.0.2.2\",\"label\":1}]",
          "192.0.2.1,192.0.2.2" },
        { format_next_hops, "[]", "-" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        char cell[64] = "";
        cases[i].format(value, cell, sizeof(cell));
        assert_string_equal(cell, cases[i].cell);
        json_decref(value);
    }
    char small[4];
    json_t *value = json_string("cut here");
    format_any(value, small, sizeof(small));
    assert_string_equal(small, "cut");
    json_decref(value);
}

static char *
render(const char *json, const struct cli_column *columns, const struct cli_detail *detail)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    json_t *rows = json_loads(json, 0, NULL);

    table_print(out, rows, columns, detail);
    fclose(out);
    json_decref(rows);
    return text;
}

static const struct cli_column path_columns[] = {
    { "SERVER", "server", format_any, false },
    { NULL, NULL, NULL, false },
};

static const struct cli_column columns[] = {
    { "PREFIX", "prefix", format_any, false },
    { "LABEL", "label", format_any, true },
    { "CLIENT", "client", format_any, false },
    { "WHY", "why", format_any, false },
    { NULL, NULL, NULL, false },
};

static void
lists_become_tables(void **state)
{
    static const struct cli_detail detail = { "paths", path_columns };
    static const char rows[] =
        "[{\"prefix\":\"10.0.0.11/32\",\"label\":16,\"why\":\"only one\","
        "\"paths\":[{\"server\":\"rs1\"}]},"
        "{\"prefix\":\"0.0.0.0/0\",\"label\":100000,\"client\":\"\",\"paths\":[]}]";
    (void)state;

    char *text = render(rows, columns, NULL);
    assert_string_equal(text, "PREFIX         LABEL  WHY\n"
                              "10.0.0.11/32      16  only one\n"
                              "0.0.0.0/0     100000  -\n");
    free(text);
    text = render(rows, columns, &detail);
    assert_string_equal(text, "PREFIX         LABEL  WHY\n"
                              "10.0.0.11/32      16  only one\n"
                              "    SERVER\n"
                              "    rs1\n"
                              "0.0.0.0/0     100000  -\n");
    free(text);
    text = render("[]", columns, NULL);
    assert_string_equal(text, "PREFIX  LABEL  CLIENT  WHY\n");
    free(text);
    text =
        render("[{\"name\":\"vm1\",\"rx_packets\":7},{\"name\":\"vm2\",\"drops\":1}]", NULL, NULL);
    assert_string_equal(text, "NAME  RX PACKETS  DROPS\n"
                              "vm1            7      -\n"
                              "vm2            -      1\n");
    free(text);
    text = render("[{\"rx_packets\":7,\"name\":\"vm1\"}]", NULL, NULL);
    assert_string_equal(text, "NAME        vm1\n"
                              "RX PACKETS  7\n");
    free(text);
}

/* A daemon of 1234 VRFs, in a thread of its own. */

static void
handle_vrf_list(struct rpc_request *request, const json_t *params, void *context)
{
    const char *after = rpc_page_after(params);
    int i = after == NULL ? 0 : atoi(after) + 1, end = i + (int)rpc_page_limit(params);
    char next[16];
    json_t *list = json_array();
    (void)context;

    for (; i < 1234 && i < end; i++)
        json_array_append_new(list, json_pack("{s:i}", "name", i));
    snprintf(next, sizeof(next), "%d", i - 1);
    rpc_reply(request, rpc_page_result("vrfs", list, i < 1234 ? next : NULL));
}

static void
handle_stop(struct rpc_request *request, const json_t *params, void *context)
{
    (void)params;
    rpc_reply(request, json_object());
    event_base_loopbreak(context);
}

static const struct rpc_parameter page_parameters[] = {
    RPC_PAGE_PARAMETERS,
    { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_verb daemon_verbs[] = {
    { "vrf.list", page_parameters, handle_vrf_list },
    { "stop", NULL, handle_stop },
};

struct daemon {
    struct event_base *base;
    struct rpc_server *server;
};

static void *
run_daemon(void *context)
{
    struct daemon *daemon = context;

    event_base_dispatch(daemon->base);
    rpc_server_free(daemon->server); /* sends the answer to "stop" */
    return NULL;
}

static void
pages_are_joined(void **state)
{
    struct event_base *base = event_base_new();
    struct daemon daemon = { base, rpc_server_new(base, &RPC_LIMITS_DEFAULT) };
    struct rpc_client_error error;
    struct rpc_client *client;
    pthread_t thread;
    json_t *result, *params = json_object();
    char path[64];
    size_t used;
    (void)state;

    snprintf(path, sizeof(path), "/tmp/millrace-test-cli-%d", (int)getpid());
    assert_int_equal(rpc_server_add(daemon.server, daemon_verbs, 2, base), 0);
    assert_int_equal(rpc_server_listen(daemon.server, path, 0600, NULL), 0);
    pthread_create(&thread, NULL, run_daemon, &daemon);
    assert_int_equal(rpc_client_open(path, 20000, &client), 0);
    assert_int_equal(cli_call(client, cli_find_verb(WORDS("vrf"), &used), params, &result, &error),
                     0);
    assert_int_equal(json_array_size(json_object_get(result, "vrfs")), 1234);
    assert_null(json_object_get(result, "next"));
    json_decref(result);
    json_decref(params);
    params = json_pack("{s:s}", "name", "vm1");
    assert_int_equal(
        cli_call(client, cli_find_verb(WORDS("vif", "del"), &used), params, &result, &error),
        -EREMOTEIO);
    assert_string_equal(error.field, "method");
    json_decref(params);
    params = json_object();
    assert_int_equal(cli_call(client, cli_find_verb(WORDS("stop"), &used), params, &result, &error),
                     0);
    json_decref(result);
    json_decref(params);
    rpc_client_close(client);
    pthread_join(thread, NULL);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_name_verbs),    cmocka_unit_test(words_become_parameters),
        cmocka_unit_test(values_become_cells), cmocka_unit_test(lists_become_tables),
        cmocka_unit_test(pages_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
