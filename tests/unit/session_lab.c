/* SPDX-License-Identifier: BSD-3-Clause */

/* The carrier between the two ends of two sessions, and the route servers that live and die. */

#include "tests/unit/session_lab.h"

#include "lib/base/log.h"

static int64_t
lab_now(void *user)
{
    struct lab *lab = user;

    return lab->bench.now;
}

static void
lab_wants_step(void *user, struct server_session *session)
{
    struct lab *lab = user;

    lab->wants_step[session->index] = true;
}

static void
lab_rib_changed(void *user)
{
    (void)user;
}

static const struct session_host lab_host = {
    .now = lab_now,
    .wants_step = lab_wants_step,
    .rib_changed = lab_rib_changed,
};

/* Moves what one end has to say to the other. True if there was anything. */
static bool
carry(struct lab *lab, struct xmpp_session *from, struct xmpp_session *to)
{
    size_t length;
    const char *octets = xmpp_session_output(from, &length);

    if (length == 0)
        return false;
    char *copy = malloc(length);
    assert_non_null(copy);
    memcpy(copy, octets, length);
    xmpp_session_sent(from, length);
    xmpp_session_input(to, copy, length, (uint64_t)lab->bench.now);
    free(copy);
    return true;
}

void
settle(struct lab *lab)
{
    for (bool busy = true; busy;) {
        busy = false;
        lab->bench.now++;
        for (int i = 0; i < 2; i++) {
            struct server_session *session = &lab->sessions[i];
            if (session->client == NULL || lab->rs[i].server == NULL)
                continue;
            if (lab->wants_step[i]) {
                lab->wants_step[i] = server_session_step(session);
                busy = true;
            }
            struct xmpp_session *client = xmpp_client_session(session->client);
            struct xmpp_session *server = xmpp_server_session(lab->rs[i].server);
            busy |= carry(lab, client, server);
            busy |= carry(lab, server, client);
        }
    }
    bench_run(&lab->bench);
}

void
connect_session(struct lab *lab, int i)
{
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;

    config.tls = XMPP_TLS_NONE;
    config.local_part = "compute1";
    config.resource = "millrace";
    config.session.ping_interval_ms = config.session.keepalive_interval_ms = 1u << 30;
    assert_int_equal(server_session_open(&lab->sessions[i], &config), 0);
    rs_open(&lab->rs[i]);
    uint64_t now = (uint64_t)lab->bench.now;
    xmpp_session_connected(xmpp_server_session(lab->rs[i].server), now);
    xmpp_session_connected(xmpp_client_session(lab->sessions[i].client), now);
    settle(lab);
}

void
kill_session(struct lab *lab, int i)
{
    rs_close(&lab->rs[i]);
    xmpp_session_disconnected(xmpp_client_session(lab->sessions[i].client), "reset");
    server_session_release(&lab->sessions[i]);
    bench_run(&lab->bench);
}

void
pass(struct lab *lab, int64_t milliseconds)
{
    for (int64_t left = milliseconds; left > 0; left -= 1000) {
        lab->bench.now += left < 1000 ? left : 1000;
        for (int i = 0; i < 2; i++) {
            if (lab->sessions[i].client == NULL)
                continue;
            xmpp_session_tick(xmpp_client_session(lab->sessions[i].client),
                              (uint64_t)lab->bench.now);
            server_session_tick(&lab->sessions[i]);
        }
        settle(lab);
    }
}

struct lab *
lab_open(void)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    struct ip_addr forwarder = ip_addr_from_v4(0xc000020bu);

    assert_non_null(lab);
    log_level_set(LOG_LEVEL_ERROR);
    bench_open(&lab->bench, NULL);
    publications_init(&lab->publications, 2, &forwarder);
    for (int i = 0; i < 2; i++) {
        lab->rs[i].echo = true;
        lab->sessions[i] = (struct server_session){
            .name = i == 0 ? "rs1" : "rs2",
            .index = (uint8_t)i,
            .host = &lab_host,
            .user = lab,
            .rib = lab->bench.rib,
            .server = i == 0 ? lab->bench.rs1 : lab->bench.rs2,
            .publications = &lab->publications,
        };
        server_session_init(&lab->sessions[i]);
    }
    return lab;
}

void
want_red(struct lab *lab)
{
    assert_int_equal(subscription_add(&lab->publications, lab->bench.red, "red", 7, &lab->red), 0);
    for (int i = 0; i < 2; i++)
        server_session_subscribe_anew(&lab->sessions[i], lab->red);
}

void
publish(struct lab *lab, const struct route *route)
{
    struct publication *publication = publication_set(&lab->publications, lab->red, route);

    assert_non_null(publication);
    for (int i = 0; i < 2; i++)
        server_session_queue_route(&lab->sessions[i], publication);
}

void
publish_p(struct lab *lab, uint8_t next_hop)
{
    struct route route = bench_route(P, next_hop);

    publish(lab, &route);
}

void
retract_p(struct lab *lab)
{
    struct ip_prefix prefix = bench_prefix(P);
    struct publication *publication = publication_find(lab->red, &prefix);

    assert_non_null(publication);
    publication->wanted = false;
    for (int i = 0; i < 2; i++)
        server_session_queue_route(&lab->sessions[i], publication);
    publication_release(&lab->publications, publication);
}

void
drop_red(struct lab *lab)
{
    struct publication *publication, *next;

    subscription_drop(&lab->publications, lab->red);
    for (publication = TAILQ_FIRST(&lab->red->order); publication != NULL; publication = next) {
        next = TAILQ_NEXT(publication, link);
        for (int i = 0; i < 2; i++)
            server_session_queue_route(&lab->sessions[i], publication);
        publication_release(&lab->publications, publication);
    }
    for (int i = 0; i < 2; i++)
        server_session_queue_subscription(&lab->sessions[i], lab->red);
    subscription_release(&lab->publications, lab->red);
}

void
lab_close(struct lab *lab)
{
    for (int i = 0; i < 2; i++) {
        server_session_release(&lab->sessions[i]);
        xmpp_server_free(lab->rs[i].server);
    }
    publications_clear(&lab->publications);
    bench_close(&lab->bench);
    free(lab);
}
