/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The traffic generator of the scenarios: numbered, time-stamped packets at a rate, what became of
 * them, and the highest rate without loss. It does what its plan says and prints lines of JSON;
 * once its ports are connected it waits for a line on its standard input. Usage: packet_generator
 * PLAN EAL-OPTION…
 */

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "pktgen-scenarios/generator/search.h"
#include "pktgen-scenarios/generator/trial.h"

#define POOL_PACKETS    16383u
#define POOL_CACHE      256u
#define QUEUE_PACKETS   1024u
#define LINK_SECONDS    90u
#define ARGUMENTS_MAX   48
#define DEVICE_TEXT_MAX 280

static uint16_t ports[PORTS_MAX];
static struct plan plan;
static struct trial trial;

static void
must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "packet_generator: %s\n", what);
        exit(1);
    }
}

static void
say(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));

    must(text != NULL, "out of memory");
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(object);
}

static void
progress(const struct trial *running, double left)
{
    say(json_pack("{s:s, s:f, s:I}", "event", "progress", "seconds_left", left, "received",
                  (json_int_t)running->accounts[0].received));
}

static void
ports_open(void)
{
    uint32_t longest = 0;

    for (unsigned i = 0; i < plan.n_streams; i++)
        longest = RTE_MAX(longest, plan.streams[i].frames.longest);
    const uint16_t room =
        (uint16_t)RTE_MAX((uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE, longest + RTE_PKTMBUF_HEADROOM);

    trial.pool =
        rte_pktmbuf_pool_create("packets", POOL_PACKETS, POOL_CACHE, 0, room, (int)rte_socket_id());
    must(trial.pool != NULL, "no packet buffers");
    must(rte_eth_dev_count_avail() == plan.n_ports, "a port cannot be made");
    for (uint16_t i = 0; i < plan.n_ports; i++) {
        ports[i] = i;
        must(rte_eth_dev_configure(i, 1, 1, &(struct rte_eth_conf){ 0 }) == 0 &&
                 rte_eth_rx_queue_setup(i, 0, QUEUE_PACKETS, SOCKET_ID_ANY, NULL, trial.pool) ==
                     0 &&
                 rte_eth_tx_queue_setup(i, 0, QUEUE_PACKETS, SOCKET_ID_ANY, NULL) == 0 &&
                 rte_eth_dev_start(i) == 0,
             "a port does not start");
    }
}

/* The other sides connect when they are ready. */
static void
links_wait(void)
{
    const uint64_t deadline = rte_rdtsc() + LINK_SECONDS * rte_get_tsc_hz();

    for (uint16_t i = 0; i < plan.n_ports; i++) {
        struct rte_eth_link link = { 0 };

        while (rte_eth_link_get_nowait(i, &link) != 0 || link.link_status != RTE_ETH_LINK_UP)
            must(rte_rdtsc() < deadline, "a port's other side does not connect");
    }
}

static json_t *
latency_json(const struct histogram *ticks)
{
    static const struct {
        const char *name;
        double percent;
    } rows[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 }, { "max", 100 } };
    json_t *object = json_object();
    const double ns = 1e9 / (double)rte_get_tsc_hz();

    for (unsigned i = 0; i < RTE_DIM(rows); i++)
        json_object_set_new(
            object, rows[i].name,
            json_real(round((double)histogram_percentile(ticks, rows[i].percent) * ns)));
    return object;
}

static uint64_t
stream_lost(unsigned i)
{
    return account_lost(&trial.accounts[i], trial.rates[i] != 0.0);
}

static json_t *
stream_json(unsigned i)
{
    const struct account *account = &trial.accounts[i];

    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "name",
                     plan.streams[i].name, "judged", (int)plan.streams[i].judged, "sent",
                     (json_int_t)account->sent, "refused", (json_int_t)account->refused, "received",
                     (json_int_t)account->received, "lost", (json_int_t)stream_lost(i), "reordered",
                     (json_int_t)account->reordered, "forgone", (json_int_t)trial.forgone[i],
                     "offered_pps", (double)account->sent / trial.seconds[i], "received_pps",
                     (double)account->received / trial.seconds[i], "latency_ns",
                     latency_json(&account->ticks));
}

static void
tell(const char *event)
{
    json_t *streams = json_array();

    for (unsigned i = 0; i < plan.n_streams; i++)
        json_array_append_new(streams, stream_json(i));
    say(json_pack("{s:s, s:o, s:I}", "event", event, "streams", streams, "foreign",
                  (json_int_t)trial.foreign));
}

/* The highest rate at which no judged stream loses anything; all of them have the same. */
static void
search(void)
{
    struct rate_search search;
    double most = 0;

    trial_run(&trial, progress);
    tell("trial");
    for (unsigned i = 0; i < plan.n_streams; i++) {
        if (plan.streams[i].judged)
            most = RTE_MAX(most, (double)trial.accounts[i].received / trial.seconds[i]);
    }
    must(most > 0, "nothing comes back");
    rate_search_begin(&search, most, plan.resolution);
    while (!search.done) {
        bool lost = false;

        for (unsigned i = 0; i < plan.n_streams; i++)
            trial.rates[i] = plan.streams[i].judged ? search.next : plan.streams[i].rate;
        trial_run(&trial, progress);
        for (unsigned i = 0; i < plan.n_streams; i++)
            lost = lost || (plan.streams[i].judged && stream_lost(i) != 0);
        say(json_pack("{s:s, s:f, s:b}", "event", "searched", "pps", search.next, "lost",
                      (int)lost));
        rate_search_take(&search, lost);
    }
    say(json_pack("{s:s, s:f}", "event", "no-drop", "pps", search.lossless));
}

int
main(int argc, char **argv)
{
    static char devices[PORTS_MAX][DEVICE_TEXT_MAX];
    char *arguments[ARGUMENTS_MAX];
    int count = 0;

    must(argc >= 2 && argc + (int)PORTS_MAX < ARGUMENTS_MAX, "usage: packet_generator PLAN EAL…");
    const char *error = plan_read(&plan, argv[1]);
    must(error == NULL, error);
    arguments[count++] = argv[0];
    for (int i = 2; i < argc; i++)
        arguments[count++] = argv[i];
    for (unsigned i = 0; i < plan.n_ports; i++) {
        snprintf(devices[i], sizeof(devices[i]), "--vdev=%s", plan.devices[i]);
        arguments[count++] = devices[i];
    }
    must(rte_eal_init(count, arguments) >= 0, "DPDK does not start");
    ports_open();
    links_wait();
    say(json_pack("{s:s}", "event", "connected"));
    must(getchar() != EOF, "nobody says when to begin");
    trial.plan = &plan;
    trial.ports = ports;
    for (unsigned i = 0; i < plan.n_streams; i++)
        trial.rates[i] = plan.streams[i].rate;
    if (plan.search) {
        search();
    } else {
        trial_run(&trial, progress);
    }
    tell("result");
    rte_eal_cleanup();
    plan_free(&plan);
    return 0;
}
