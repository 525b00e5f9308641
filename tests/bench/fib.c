/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The FIB beside a naive trie and DPDK's tables in one process: cycles a lookup in bulks of 32,
 * memory, changes a second. All sides are measured in short slices by turns, and the median slice
 * counts. rte_fib stands beside it where one VRF is all there is. One JSON object a line;
 * tests/bench/run shows them.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_malloc.h>

#include "lib/table/fib_lookup.h"
#include "lib/table/reclaim.h"
#include "tests/bench/fib_naive.h"
#include "tests/bench/fib_routes.h"

#define BULK         32u
#define KEYS         65536u /* looked up round and round */
#define KEYS_A_SLICE 8192u
#define APART        3u /* slices between the keys of two sides: no side finds ours warmed by another */
#define SLICES       200u
#define SIDES        5u
#define CHANGES      200000u
#define PAIRS        11u /* of slices with and without changes beside them */
#define TBL8         65536u
#define TBL8_V6      (18 * TBL8) /* it reserves a table for each octet of each route */
#define MIB          (1 << 20)

/* What is looked up, and in what. */
struct subject {
    struct fib *fib;
    struct naive *naive;
    struct rte_fib *rte_fib;
    struct rte_fib6 *rte_fib6;
    uint32_t roots[KEYS], addresses[KEYS];
    uint8_t octets[KEYS][16];
    const uint8_t *pointers[KEYS];
};

static struct subject subject;
static struct reclaim *reclaim;
static volatile uint64_t sink; /* keeps the compiler from leaving lookups out */

static void
fail(const char *what)
{
    fprintf(stderr, "fib: %s: %s\n", what, rte_strerror(rte_errno));
    exit(1);
}

static double
heap_mib(void)
{
    struct rte_malloc_socket_stats stats;
    size_t octets = 0;

    for (int socket = 0; socket < RTE_MAX_NUMA_NODES; socket++) {
        if (rte_malloc_get_socket_stats(socket, &stats) == 0)
            octets += stats.heap_allocsz_bytes;
    }
    return (double)octets / MIB;
}

/* A row beside a peer, or alone: `peer` may be NULL; a 5th percentile of 0 is none. */
static void
row_p5(const char *what, const char *table, double value, double p5, const char *unit,
       const char *peer, double peer_value)
{
    printf("{\"name\": \"%s-%s\", \"value\": %.2f, \"unit\": \"%s\"", what, table, value, unit);
    if (p5 > 0)
        printf(", \"p5\": %.2f", p5);
    if (peer != NULL)
        printf(", \"peer\": \"%s\", \"peer-value\": %.2f", peer, peer_value);
    printf("}\n");
    fflush(stdout);
}

static void
row(const char *what, const char *table, double value, const char *unit, const char *peer,
    double peer_value)
{
    row_p5(what, table, value, 0, unit, peer, peer_value);
}

static void
lookup_fib(unsigned first)
{
    path_t paths[BULK];

    fib_lookup_bulk(subject.fib, &subject.roots[first], &subject.addresses[first], paths, BULK);
    sink += paths[0];
}

static void
lookup_fib6(unsigned first)
{
    path_t paths[BULK];

    fib_lookup6_bulk(subject.fib, &subject.roots[first], &subject.pointers[first], paths, BULK);
    sink += paths[0];
}

static void
lookup_naive(unsigned first)
{
    uint32_t values[BULK];

    naive_lookup_bulk(subject.naive, &subject.roots[first], &subject.addresses[first], values,
                      BULK);
    sink += values[0];
}

static void
lookup_rte_fib(unsigned first)
{
    uint64_t hops[BULK];

    rte_fib_lookup_bulk(subject.rte_fib, &subject.addresses[first], hops, BULK);
    sink += hops[0];
}

static void
lookup_rte_fib6(unsigned first)
{
    uint64_t hops[BULK];

    rte_fib6_lookup_bulk(subject.rte_fib6, &subject.octets[first], hops, BULK);
    sink += hops[0];
}

static int
compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* A way to look up: ours at a vector level, or a peer's. */
struct side {
    void (*lookups)(unsigned first);
    enum simd_level level;
};

static double
slice_cycles(const struct side *side, unsigned slice)
{
    unsigned first = slice * KEYS_A_SLICE % KEYS;
    uint64_t start;

    fib_lookup_choose(subject.fib, side->level);
    start = rte_rdtsc_precise();
    for (unsigned key = 0; key < KEYS_A_SLICE; key += BULK)
        side->lookups(first + key);
    return (double)(rte_rdtsc_precise() - start) / KEYS_A_SLICE;
}

/* Cycles a lookup. */
struct cost {
    double median, p5;
};

/* What a lookup costs on each of `n` sides, measured by turns. */
static void
measure(const struct side *sides, unsigned n, struct cost *costs)
{
    static double slices[SIDES][SLICES];

    for (unsigned slice = 0; slice < SLICES; slice++) {
        for (unsigned i = 0; i < n; i++)
            slices[i][slice] = slice_cycles(&sides[i], slice + APART * i);
    }
    for (unsigned i = 0; i < n; i++) {
        qsort(slices[i], SLICES, sizeof(double), compare_doubles);
        costs[i] = (struct cost){ slices[i][SLICES / 2], slices[i][SLICES / 20] };
    }
}

/* One of 10,000 endpoints and 100 labels. */
static path_t
path_random(void)
{
    return path_make(PATH_TUNNEL, random_number() % 10000, 16 + random_number() % 100);
}

static void
fib_put(const struct route *route, path_t path)
{
    if (fib_set(subject.fib, route->root, &route->prefix, path) != 0)
        fail("fib_set");
}

static void
fib_take(const struct route *route)
{
    if (fib_unset(subject.fib, route->root, &route->prefix) != 0)
        fail("fib_unset");
}

/* Our table with all routes; readers poll as control does, between slices. */
static void
fib_fill(const struct route *routes, unsigned n, uint32_t roots)
{
    subject.fib = fib_create(
        &(struct fib_limits){ .roots = roots, .routes = n, .nodes = 4 * n + 1000 }, reclaim);
    if (subject.fib == NULL)
        fail("fib_create");
    for (unsigned i = 0; i < n; i++) {
        fib_put(&routes[i], path_random());
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }
    reclaim_drain(reclaim);
    while (fib_compact(subject.fib))
        reclaim_poll(reclaim);
    reclaim_drain(reclaim);
}

static double
fib_mib(void)
{
    struct fib_usage usage;

    fib_usage(subject.fib, &usage);
    return (double)usage.octets / MIB;
}

static void
keys_choose(const struct route *routes, unsigned n)
{
    for (unsigned i = 0; i < KEYS; i++) {
        const struct route *route = &routes[random_number() % n];
        struct ip_addr address = route_address(route);

        subject.roots[i] = route->root;
        subject.addresses[i] = ip_addr_to_v4(&address);
        memcpy(subject.octets[i], address.octets, sizeof(address.octets));
        subject.pointers[i] = subject.octets[i];
    }
}

/* Shortest first. */
static void
naive_fill(const struct route *routes, unsigned n, uint32_t roots)
{
    subject.naive = naive_create(roots, 4 * n + roots);
    if (subject.naive == NULL)
        fail("naive_create");
    for (unsigned length = 0; length <= 32; length++) {
        for (unsigned i = 0; i < n; i++) {
            if (routes[i].prefix.length == length)
                naive_add(subject.naive, routes[i].root, ip_addr_to_v4(&routes[i].prefix.addr),
                          length, i + 1);
        }
    }
}

/* @return its MiB. */
static double
rte_fib_fill(const struct route *routes, unsigned n)
{
    struct rte_fib_conf fib = {
        .type = RTE_FIB_DIR24_8,
        .max_routes = (int)(2 * n),
        .dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = TBL8 },
    };
    double before = heap_mib();

    subject.rte_fib = rte_fib_create("fib", SOCKET_ID_ANY, &fib);
    if (subject.rte_fib == NULL)
        fail("rte_fib_create");
    for (unsigned i = 0; i < n; i++)
        rte_fib_add(subject.rte_fib, ip_addr_to_v4(&routes[i].prefix.addr), routes[i].prefix.length,
                    i & 0xffff);
    return heap_mib() - before;
}

static double
rte_fib6_fill(const struct route *routes, unsigned n)
{
    struct rte_fib6_conf fib = {
        .type = RTE_FIB6_TRIE,
        .max_routes = (int)(2 * n),
        .trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = TBL8_V6 },
    };
    double before = heap_mib();

    subject.rte_fib6 = rte_fib6_create("fib6", SOCKET_ID_ANY, &fib);
    if (subject.rte_fib6 == NULL)
        fail("rte_fib6_create");
    for (unsigned i = 0; i < n; i++) {
        if (rte_fib6_add(subject.rte_fib6, routes[i].prefix.addr.octets, routes[i].prefix.length,
                         i & 0xffff) != 0)
            fail("rte_fib6_add");
    }
    return heap_mib() - before;
}

/* Looks up all the time, as a worker does, and says how many bulks there were. */
struct reader {
    pthread_t thread;
    atomic_bool stop;
    _Atomic uint64_t bulks;
};

static void *
reader_run(void *argument)
{
    struct reader *reader = argument;

    reclaim_register(reclaim, 0);
    reclaim_online(reclaim, 0);
    for (unsigned first = 0; !atomic_load_explicit(&reader->stop, memory_order_relaxed);
         first = (first + BULK) % KEYS) {
        lookup_fib(first);
        reclaim_quiescent(reclaim, 0);
        atomic_store_explicit(&reader->bulks, reader->bulks + 1, memory_order_relaxed);
    }
    reclaim_offline(reclaim, 0);
    reclaim_unregister(reclaim, 0);
    return NULL;
}

/* Takes routes away and sets them again. @return seconds. */
static double
change_routes(const struct route *routes, unsigned n, unsigned changes)
{
    uint64_t start = rte_rdtsc_precise();

    for (unsigned i = 0; i < changes / 2; i++) {
        const struct route *route = &routes[i * 7919u % n];

        fib_take(route);
        fib_put(route, path_random());
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }
    return (double)(rte_rdtsc_precise() - start) / (double)rte_get_tsc_hz();
}

static double
median(double *values, unsigned n)
{
    qsort(values, n, sizeof(double), compare_doubles);
    return values[n / 2];
}

/* Changes a second while a thread looks up, and what its lookups cost then and else. */
static void
changes_measure(const char *table, const struct route *routes, unsigned n)
{
    static struct reader reader;
    double rates[PAIRS], busy[PAIRS], quiet[PAIRS], alone, seconds;
    double hz = (double)rte_get_tsc_hz();

    alone = CHANGES / change_routes(routes, n, CHANGES);
    if (pthread_create(&reader.thread, NULL, reader_run, &reader) != 0)
        fail("pthread_create");
    for (unsigned i = 0; i < PAIRS; i++) {
        uint64_t before = atomic_load(&reader.bulks), start;

        seconds = change_routes(routes, n, CHANGES / 2);
        rates[i] = CHANGES / 2 / seconds;
        busy[i] = seconds * hz / (double)(atomic_load(&reader.bulks) - before) / BULK;
        before = atomic_load(&reader.bulks);
        start = rte_rdtsc_precise();
        while ((double)(rte_rdtsc_precise() - start) < seconds * hz)
            rte_pause();
        quiet[i] = seconds * hz / (double)(atomic_load(&reader.bulks) - before) / BULK;
    }
    atomic_store(&reader.stop, true);
    pthread_join(reader.thread, NULL);
    atomic_store(&reader.stop, false);
    row("fib-changes", table, median(rates, PAIRS), "changes/s", "no reader", alone);
    row("fib-lookup-changing", table, median(busy, PAIRS), "cycles", "unchanging",
        median(quiet, PAIRS));
}

/* The rows of a table's lookups: with the vector level that is chosen by itself beside each peer,
 * and with those below alone. */
static void
lookup_rows(const char *what, const char *table, void (*ours)(unsigned),
            void (*const peers[])(unsigned), const char *const *names, unsigned n_peers)
{
    struct side sides[SIDES];
    struct cost costs[SIDES];
    unsigned n = 0, n_ours;

    for (int level = (int)simd_level(); level >= 0; level--)
        sides[n++] = (struct side){ ours, (enum simd_level)level };
    n_ours = n;
    for (unsigned i = 0; i < n_peers; i++)
        sides[n++] = (struct side){ peers[i], SIMD_SCALAR };
    measure(sides, n, costs);
    for (unsigned i = n_ours; i < n; i++)
        row_p5(what, table, costs[0].median, costs[0].p5, "cycles", names[i - n_ours],
               costs[i].median);
    if (n_peers == 0)
        row_p5(what, table, costs[0].median, costs[0].p5, "cycles", NULL, 0);
    for (unsigned i = 1; i < n_ours; i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s-%s", table, simd_level_name(sides[i].level));
        row_p5(what, name, costs[i].median, costs[i].p5, "cycles", NULL, 0);
    }
    fib_lookup_choose(subject.fib, simd_level());
}

/* One table, beside its peers. */
static void
measure4(const char *table, enum route_shape shape, uint32_t vrfs, uint32_t routes_a_vrf)
{
    static void (*const peers[])(unsigned) = { lookup_naive, lookup_rte_fib };
    static const char *const names[] = { "naive", "rte_fib" };
    const unsigned n = vrfs * routes_a_vrf;
    struct route *routes = routes_make(shape, IP_V4, vrfs, routes_a_vrf);
    double rte_fib_mib = 0;

    fib_fill(routes, n, vrfs);
    naive_fill(routes, n, vrfs);
    if (vrfs == 1)
        rte_fib_mib = rte_fib_fill(routes, n);
    keys_choose(routes, n);
    lookup_rows("fib-lookup", table, lookup_fib, peers, names, vrfs == 1 ? 2 : 1);
    row("fib-memory", table, fib_mib(), "MiB", "naive", naive_octets(subject.naive) / MIB);
    if (vrfs == 1)
        row("fib-memory", table, fib_mib(), "MiB", "rte_fib", rte_fib_mib);
    naive_destroy(subject.naive);
    changes_measure(table, routes, n);
    fib_destroy(subject.fib);
    if (vrfs == 1)
        rte_fib_free(subject.rte_fib);
    free(routes);
}

/* IPv6: nothing of DPDK's fits beside many VRFs. */
static void
measure6(const char *table, enum route_shape shape, uint32_t vrfs, uint32_t routes_a_vrf)
{
    static void (*const peers[])(unsigned) = { lookup_rte_fib6 };
    static const char *const names[] = { "rte_fib6" };
    const unsigned n = vrfs * routes_a_vrf;
    struct route *routes = routes_make(shape, IP_V6, vrfs, routes_a_vrf);
    double peer_mib = 0;

    fib_fill(routes, n, vrfs);
    if (vrfs == 1)
        peer_mib = rte_fib6_fill(routes, n);
    keys_choose(routes, n);
    lookup_rows("fib6-lookup", table, lookup_fib6, peers, names, vrfs == 1);
    row("fib6-memory", table, fib_mib(), "MiB", vrfs == 1 ? "rte_fib6" : NULL, peer_mib);
    fib_destroy(subject.fib);
    if (vrfs == 1)
        rte_fib6_free(subject.rte_fib6);
    free(routes);
}

int
main(void)
{
    char *arguments[] = {
        (char[]){ "fib" },         (char[]){ "--no-huge" },          (char[]){ "--no-pci" },
        (char[]){ "--no-shconf" }, (char[]){ "--no-telemetry" },     (char[]){ "-m" },
        (char[]){ "2048" },        (char[]){ "--log-level=*:error" }
    };

    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
        fail("rte_eal_init");
    reclaim = reclaim_create(1);
    if (reclaim == NULL)
        fail("reclaim_create");
    measure4("1x100k", ROUTES_MIXED, 1, 100000);
    measure4("1x1M", ROUTES_MIXED, 1, 1000000);
    measure4("1000x100", ROUTES_MIXED, 1000, 100);
    measure4("1000x1000", ROUTES_MIXED, 1000, 1000);
    measure4("10000x100", ROUTES_MIXED, 10000, 100);
    measure4("10000x100-scattered", ROUTES_SCATTERED, 10000, 100);
    measure6("1x100k", ROUTES_MIXED, 1, 100000);
    measure6("10000x100", ROUTES_HOSTS, 10000, 100);
    reclaim_destroy(reclaim);
    return rte_eal_cleanup() == 0 ? 0 : 1;
}
