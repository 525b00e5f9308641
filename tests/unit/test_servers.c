/* SPDX-License-Identifier: BSD-3-Clause */

/* control/servers.h over TCP on the loopback: reconnecting, draining, stopping. */

#include "tests/unit/rib_bench.h"
#include "tests/unit/rs_bench.h"

#include <errno.h>
#include <event2/event.h>

#include "control/servers.h"
#include "lib/base/log.h"
#include "lib/xmpp/transport.h"

#define DEADLINE_SECONDS 60
#define ITEM             "192.0.2.11:7:10.0.0.1/32"

struct lab {
    struct bench bench;
    struct event_base *base;
    struct event *deadline;
    bool late;
    bool drained;
    struct servers *servers;
    struct {
        struct rs_bench rs;
        struct xmpp_listener *listener;
        struct xmpp_transport *transport;
        uint16_t port;
    } servers_side[2];
};

static const struct ip_addr loopback = { IP_V4, { 127, 0, 0, 1 } };

static void
on_accepted_first(void *user, int fd, const struct ip_addr *peer, uint16_t port)
{
    struct lab *lab = user;
    (void)peer;
    (void)port;

    rs_open(&lab->servers_side[0].rs);
    lab->servers_side[0].transport =
        xmpp_transport_accept(lab->base, fd, xmpp_server_session(lab->servers_side[0].rs.server));
    assert_non_null(lab->servers_side[0].transport);
}

static void
on_accepted_second(void *user, int fd, const struct ip_addr *peer, uint16_t port)
{
    struct lab *lab = user;
    (void)peer;
    (void)port;

    rs_open(&lab->servers_side[1].rs);
    lab->servers_side[1].transport =
        xmpp_transport_accept(lab->base, fd, xmpp_server_session(lab->servers_side[1].rs.server));
    assert_non_null(lab->servers_side[1].transport);
}

static void
start_rs(struct lab *lab, int i)
{
    lab->servers_side[i].listener =
        xmpp_listener_new(lab->base, &loopback, lab->servers_side[i].port,
                          i == 0 ? on_accepted_first : on_accepted_second, lab);
    assert_non_null(lab->servers_side[i].listener);
    lab->servers_side[i].port = xmpp_listener_port(lab->servers_side[i].listener);
    lab->servers_side[i].rs.echo = true;
}

static void
kill_rs(struct lab *lab, int i)
{
    xmpp_listener_free(lab->servers_side[i].listener);
    xmpp_transport_free(lab->servers_side[i].transport);
    rs_close(&lab->servers_side[i].rs);
    rs_forget(&lab->servers_side[i].rs);
    lab->servers_side[i].listener = NULL;
    lab->servers_side[i].transport = NULL;
}

static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct lab *lab = user;
    (void)fd;
    (void)what;

    lab->late = true;
}

static enum server_state
state_of(const struct lab *lab, uint8_t i)
{
    struct server_status status;

    servers_status(lab->servers, i, &status);
    return status.state;
}

/* Lets the loop turn until something is so. */
#define wait_for(lab, condition)                       \
    do {                                               \
        while (!(condition) && !(lab)->late)           \
            event_base_loop((lab)->base, EVLOOP_ONCE); \
        assert_false((lab)->late);                     \
    } while (0)

static struct lab *
lab_open(void)
{
    static const struct timeval deadline = { DEADLINE_SECONDS, 0 };
    struct lab *lab = calloc(1, sizeof(*lab));

    assert_non_null(lab);
    log_level_set(LOG_LEVEL_ERROR);
    bench_open(&lab->bench, NULL);
    lab->base = event_base_new();
    assert_non_null(lab->base);
    lab->deadline = evtimer_new(lab->base, on_deadline, lab);
    evtimer_add(lab->deadline, &deadline);
    start_rs(lab, 0);
    start_rs(lab, 1);
    struct servers_settings settings = {
        .local_part = "compute1",
        .forwarder = ip_addr_from_v4(0xc000020bu),
        .n_servers = 2,
        .servers = {
            { .name = "rs1", .address = loopback, .port = lab->servers_side[0].port },
            { .name = "rs2", .address = loopback, .port = lab->servers_side[1].port },
        },
    };
    assert_int_equal(servers_new(lab->base, lab->bench.rib, &settings, &lab->servers), 0);
    assert_int_equal(servers_count(lab->servers), 2);
    return lab;
}

static void
lab_close(struct lab *lab)
{
    servers_free(lab->servers);
    for (int i = 0; i < 2; i++)
        kill_rs(lab, i);
    event_free(lab->deadline);
    event_base_free(lab->base);
    bench_close(&lab->bench);
    free(lab);
}

static void
c15_a_client_of_every_server_that_returns_after_each_loss(void **state)
{
    struct lab *lab = lab_open();
    struct route route = bench_route(P, 11);
    struct server_status status;
    (void)state;

    assert_int_equal(servers_vpn_add(lab->servers, lab->bench.red, 7), 0);
    assert_int_equal(servers_vpn_add(lab->servers, lab->bench.red, 7), -EEXIST);
    assert_int_equal(servers_publish(lab->servers, lab->bench.red, &route), 0);
    wait_for(lab, state_of(lab, 0) == SERVER_IN_SYNC && state_of(lab, 1) == SERVER_IN_SYNC);
    wait_for(lab, strcmp(bench_told(&lab->bench, P), "11") == 0);
    servers_status(lab->servers, 0, &status);
    assert_string_equal(status.name, "rs1");
    assert_string_equal(status.server_jid, "route-server@ietf.org");
    assert_string_equal(status.last_error, "");
    assert_int_equal(status.vpns, 1);
    assert_int_equal(status.vpns_in_sync, 1);
    assert_int_equal(status.reconnects, 0);

    kill_rs(lab, 0);
    wait_for(lab, state_of(lab, 0) == SERVER_WAITING);
    servers_status(lab->servers, 0, &status);
    assert_int_equal(status.reconnects, 1);
    assert_int_equal(status.stale, 1);
    assert_string_not_equal(status.last_error, "");
    start_rs(lab, 0);
    wait_for(lab, state_of(lab, 0) == SERVER_IN_SYNC);
    kill_rs(lab, 1);
    wait_for(lab, state_of(lab, 1) == SERVER_WAITING);
    assert_string_equal(bench_told(&lab->bench, P), "11");
    assert_int_equal(lab->bench.n_told, 1);
    assert_non_null(rs_find(&lab->servers_side[0].rs, "red", ITEM));
    lab_close(lab);
}

static void
on_drained(void *user)
{
    struct lab *lab = user;

    lab->drained = true;
}

static void
a_drain_retracts_everything_and_closes(void **state)
{
    struct lab *lab = lab_open();
    struct route p = bench_route(P, 11), q = bench_route("10.0.0.2/32", 11);
    (void)state;

    assert_int_equal(servers_vpn_add(lab->servers, lab->bench.red, 7), 0);
    assert_int_equal(servers_publish(lab->servers, lab->bench.red, &p), 0);
    assert_int_equal(servers_publish(lab->servers, lab->bench.red, &q), 0);
    wait_for(lab, state_of(lab, 0) == SERVER_IN_SYNC && state_of(lab, 1) == SERVER_IN_SYNC);
    servers_drain(lab->servers, DEADLINE_SECONDS * 1000, on_drained, lab);
    wait_for(lab, lab->drained);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lab->servers_side[i].rs.n_items, 0);
        assert_int_equal(state_of(lab, (uint8_t)i), SERVER_CLOSED);
        wait_for(lab, lab->servers_side[i].rs.ended);
    }
    lab_close(lab);
}

static void
a_drain_does_not_wait_for_a_dead_server(void **state)
{
    struct lab *lab = lab_open();
    struct route p = bench_route(P, 11);
    (void)state;

    assert_int_equal(servers_vpn_add(lab->servers, lab->bench.red, 7), 0);
    assert_int_equal(servers_publish(lab->servers, lab->bench.red, &p), 0);
    wait_for(lab, state_of(lab, 0) == SERVER_IN_SYNC);
    kill_rs(lab, 1);
    wait_for(lab, state_of(lab, 1) == SERVER_WAITING);
    servers_drain(lab->servers, DEADLINE_SECONDS * 1000, on_drained, lab);
    wait_for(lab, lab->drained);
    assert_int_equal(lab->servers_side[0].rs.n_items, 0);
    lab_close(lab);
}

static void
a_drain_ends_at_its_deadline(void **state)
{
    struct lab *lab = lab_open();
    struct route p = bench_route(P, 11);
    (void)state;

    assert_int_equal(servers_vpn_add(lab->servers, lab->bench.red, 7), 0);
    assert_int_equal(servers_publish(lab->servers, lab->bench.red, &p), 0);
    wait_for(lab, state_of(lab, 0) == SERVER_IN_SYNC && state_of(lab, 1) == SERVER_IN_SYNC);
    lab->servers_side[0].rs.ignore_retracts = true;
    servers_drain(lab->servers, 1, on_drained, lab);
    wait_for(lab, lab->drained);
    assert_int_equal(state_of(lab, 0), SERVER_CLOSED);
    lab_close(lab);
}

static void
a_plain_stop_retracts_nothing(void **state)
{
    struct lab *lab = lab_open();
    struct route p = bench_route(P, 11);
    (void)state;

    assert_int_equal(servers_vpn_add(lab->servers, lab->bench.red, 7), 0);
    assert_int_equal(servers_publish(lab->servers, lab->bench.red, &p), 0);
    wait_for(lab, state_of(lab, 0) == SERVER_IN_SYNC && state_of(lab, 1) == SERVER_IN_SYNC);
    servers_free(lab->servers);
    lab->servers = NULL;
    wait_for(lab, lab->servers_side[0].rs.ended && lab->servers_side[1].rs.ended);
    assert_int_equal(lab->servers_side[0].rs.n_items, 1);
    assert_int_equal(lab->servers_side[1].rs.n_items, 1);
    lab_close(lab);
}

static void
settings_are_checked(void **state)
{
    struct bench bench;
    struct event_base *base = event_base_new();
    struct servers *servers = NULL;
    struct servers_settings settings = {
        .local_part = "compute1",
        .n_servers = 2,
        .servers = { { .name = "rs", .address = loopback }, { .name = "rs", .address = loopback } },
    };
    (void)state;

    bench_open(&bench, NULL);
    assert_int_equal(servers_new(base, bench.rib, &settings, &servers), -EINVAL);
    settings.n_servers = 1;
    settings.servers[0].jid = "not a jid@";
    assert_int_equal(servers_new(base, bench.rib, &settings, &servers), -EINVAL);
    settings.servers[0].jid = NULL;
    settings.local_part = "c\x01";
    assert_int_equal(servers_new(base, bench.rib, &settings, &servers), -EINVAL);
    bench_close(&bench);
    event_base_free(base);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(c15_a_client_of_every_server_that_returns_after_each_loss),
        cmocka_unit_test(a_drain_retracts_everything_and_closes),
        cmocka_unit_test(a_drain_does_not_wait_for_a_dead_server),
        cmocka_unit_test(a_drain_ends_at_its_deadline),
        cmocka_unit_test(a_plain_stop_retracts_nothing),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
