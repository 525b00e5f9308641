/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The FIB beside DPDK's tables in one process: cycles a lookup in bulks of 32, memory, changes a
 * second. Both sides are measured in short slices by turns and the median slice counts. Many VRFs
 * are compared with rte_hash over (VRF, host), since a table of rte_lpm or rte_fib for each VRF
 * does not fit into memory. One JSON object a line; tests/bench/run shows them.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_lpm.h>
#include <rte_malloc.h>

#include "lib/table/fib.h"
#include "lib/table/reclaim.h"

#define BULK           32u
#define KEYS           65536u /* looked up round and round */
#define KEYS_A_SLICE   8192u
#define SLICES         200u
#define CHANGES        20000u
#define ROUTES_ONE_VRF 100000u
#define ROUTES_A_VRF   100u

struct route {
    uint32_t root;
    uint32_t address;
    uint8_t length;
};

struct host_key {
    uint32_t root, address;
};

/* What is looked up, and in what. */
struct subject {
    struct fib *fib;
    struct rte_lpm *lpm;
    struct rte_fib *rte_fib;
    struct rte_hash *hash;
    uint32_t roots[KEYS], addresses[KEYS];
    struct host_key keys[KEYS];
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

static uint32_t
random_number(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
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
    return (double)octets / (1 << 20);
}

static double
fib_mib(void)
{
    struct fib_usage usage;

    reclaim_drain(reclaim);
    fib_usage(subject.fib, &usage);
    return (double)usage.octets / (1 << 20);
}

static void
row(const char *name, double value, const char *unit, const char *peer, double peer_value)
{
    printf("{\"name\": \"%s\", \"value\": %.2f, \"unit\": \"%s\", \"peer\": \"%s\", "
           "\"peer-value\": %.2f, \"ratio\": %.3f}\n",
           name, value, unit, peer, peer_value, value / peer_value);
    fflush(stdout);
}

static void
lookup_fib(unsigned first)
{
    path_t paths[BULK];

    fib_lookup_bulk(subject.fib, &subject.roots[first], &subject.addresses[first], paths, BULK);
    sink += paths[0];
}

static void
lookup_lpm(unsigned first)
{
    uint32_t hops[BULK];

    rte_lpm_lookup_bulk(subject.lpm, &subject.addresses[first], hops, BULK);
    sink += hops[0];
}

static void
lookup_rte_fib(unsigned first)
{
    uint64_t hops[BULK];

    rte_fib_lookup_bulk(subject.rte_fib, &subject.addresses[first], hops, BULK);
    sink += hops[0];
}

static void
lookup_hash(unsigned first)
{
    const void *keys[BULK];
    int32_t positions[BULK];

    for (unsigned i = 0; i < BULK; i++)
        keys[i] = &subject.keys[first + i];
    rte_hash_lookup_bulk(subject.hash, keys, BULK, positions);
    sink += (uint64_t)positions[0];
}

static int
compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The median cycles a lookup of each of `n` functions, measured by turns. */
static void
measure(void (*const lookups[])(unsigned), unsigned n, double *cycles)
{
    static double slices[3][SLICES];

    for (unsigned slice = 0; slice < SLICES; slice++) {
        unsigned first = slice * KEYS_A_SLICE % KEYS;

        for (unsigned i = 0; i < n; i++) {
            uint64_t start = rte_rdtsc_precise();

            for (unsigned key = 0; key < KEYS_A_SLICE; key += BULK)
                lookups[i](first + key);
            slices[i][slice] = (double)(rte_rdtsc_precise() - start) / KEYS_A_SLICE;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        qsort(slices[i], SLICES, sizeof(double), compare_doubles);
        cycles[i] = slices[i][SLICES / 2];
    }
}

static void
fib_put(const struct route *route, uint32_t endpoint)
{
    struct ip_prefix prefix = { .addr = ip_addr_from_v4(route->address), .length = route->length };

    if (fib_set(subject.fib, route->root, &prefix,
                path_make(PATH_TUNNEL, endpoint & PATH_TARGET_MAX, 16)) != 0)
        fail("fib_set");
}

static void
fib_take(const struct route *route)
{
    struct ip_prefix prefix = { .addr = ip_addr_from_v4(route->address), .length = route->length };

    if (fib_unset(subject.fib, route->root, &prefix) != 0)
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
        fib_put(&routes[i], i);
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }
}

static void
keys_choose(const struct route *routes, unsigned n)
{
    for (unsigned i = 0; i < KEYS; i++) {
        const struct route *route = &routes[random_number() % n];
        uint32_t host_bits = ~ip_v4_mask(route->length);

        subject.roots[i] = route->root;
        subject.addresses[i] = route->address | (random_number() & host_bits);
        subject.keys[i] = (struct host_key){ route->root, subject.addresses[i] };
    }
}

/* Three fifths /24, as in the Internet's table, three tenths shorter, the rest longer. */
static uint8_t
length_random(void)
{
    uint32_t r = random_number() % 10;

    return (uint8_t)(r < 6 ? 24 : r < 9 ? 16 + random_number() % 8 : 25 + random_number() % 8);
}

static void
peers_fill(const struct route *routes, unsigned n, double *lpm_mib, double *rte_fib_mib)
{
    struct rte_lpm_config lpm = { .max_rules = 2 * n, .number_tbl8s = 32768 };
    struct rte_fib_conf fib = {
        .type = RTE_FIB_DIR24_8,
        .max_routes = (int)(2 * n),
        .dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 32768 },
    };
    double before = heap_mib();

    subject.lpm = rte_lpm_create("lpm", SOCKET_ID_ANY, &lpm);
    if (subject.lpm == NULL)
        fail("rte_lpm_create");
    for (unsigned i = 0; i < n; i++)
        rte_lpm_add(subject.lpm, routes[i].address, routes[i].length, i & 0xffff);
    *lpm_mib = heap_mib() - before;
    before = heap_mib();
    subject.rte_fib = rte_fib_create("fib", SOCKET_ID_ANY, &fib);
    if (subject.rte_fib == NULL)
        fail("rte_fib_create");
    for (unsigned i = 0; i < n; i++)
        rte_fib_add(subject.rte_fib, routes[i].address, routes[i].length, i & 0xffff);
    *rte_fib_mib = heap_mib() - before;
}

/* Routes taken away and set again, ours and rte_lpm's. */
static void
changes_measure(const struct route *routes, unsigned n, double *ours, double *lpm)
{
    uint64_t start = rte_rdtsc_precise();

    for (unsigned i = 0; i < CHANGES; i++) {
        const struct route *route = &routes[i * 7919u % n];

        fib_take(route);
        fib_put(route, i);
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }
    *ours = 2.0 * CHANGES / ((double)(rte_rdtsc_precise() - start) / (double)rte_get_tsc_hz());
    start = rte_rdtsc_precise();
    for (unsigned i = 0; i < CHANGES; i++) {
        const struct route *route = &routes[i * 7919u % n];

        rte_lpm_delete(subject.lpm, route->address, route->length);
        rte_lpm_add(subject.lpm, route->address, route->length, i & 0xffff);
    }
    *lpm = 2.0 * CHANGES / ((double)(rte_rdtsc_precise() - start) / (double)rte_get_tsc_hz());
}

static int
compare_routes(const void *a, const void *b)
{
    const struct route *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->length > y->length) - (x->length < y->length);
}

/* Routes that are there once each, in random order. @return how many. */
static unsigned
routes_random(struct route *routes, unsigned n)
{
    unsigned unique = 0;

    for (unsigned i = 0; i < n; i++) {
        routes[i].length = length_random();
        routes[i].address = random_number() & ip_v4_mask(routes[i].length);
    }
    qsort(routes, n, sizeof(*routes), compare_routes);
    for (unsigned i = 0; i < n; i++) {
        if (i == 0 || compare_routes(&routes[i], &routes[unique - 1]) != 0)
            routes[unique++] = routes[i];
    }
    for (unsigned i = unique - 1; i > 0; i--) {
        unsigned other = random_number() % (i + 1);
        struct route swapped = routes[i];

        routes[i] = routes[other];
        routes[other] = swapped;
    }
    return unique;
}

static void
one_vrf(void)
{
    static void (*const lookups[])(unsigned) = { lookup_fib, lookup_lpm, lookup_rte_fib };
    struct route *routes = calloc(ROUTES_ONE_VRF, sizeof(*routes));
    double lpm_mib, rte_fib_mib, ours, lpm, cycles[3];
    unsigned n;

    if (routes == NULL)
        fail("memory");
    n = routes_random(routes, ROUTES_ONE_VRF);
    fib_fill(routes, n, 1);
    peers_fill(routes, n, &lpm_mib, &rte_fib_mib);
    keys_choose(routes, n);
    measure(lookups, 3, cycles);
    row("fib-lookup-1x100k", cycles[0], "cycles", "rte_lpm", cycles[1]);
    row("fib-lookup-1x100k", cycles[0], "cycles", "rte_fib", cycles[2]);
    row("fib-memory-1x100k", fib_mib(), "MiB", "rte_lpm", lpm_mib);
    row("fib-memory-1x100k", fib_mib(), "MiB", "rte_fib", rte_fib_mib);
    changes_measure(routes, n, &ours, &lpm);
    row("fib-changes-1x100k", ours, "changes/s", "rte_lpm", lpm);
    fib_destroy(subject.fib);
    rte_lpm_free(subject.lpm);
    rte_fib_free(subject.rte_fib);
    free(routes);
}

/* Each VRF has 100 hosts of one /24. */
static void
many_vrfs(const char *name, uint32_t vrfs)
{
    static void (*const lookups[])(unsigned) = { lookup_fib, lookup_hash };
    unsigned n = vrfs * ROUTES_A_VRF;
    struct route *routes = calloc(n, sizeof(*routes));
    struct rte_hash_parameters parameters = {
        .name = name,
        .entries = n + n / 4,
        .key_len = sizeof(struct host_key),
        .hash_func = rte_hash_crc,
        .socket_id = SOCKET_ID_ANY,
    };
    double before = heap_mib(), cycles[2];
    char row_name[64];

    if (routes == NULL)
        fail("memory");
    subject.hash = rte_hash_create(&parameters);
    if (subject.hash == NULL)
        fail("rte_hash_create");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t vrf = i % vrfs;

        routes[i] = (struct route){ .root = vrf,
                                    .address = 0x0a000000 | (vrf & 0xffff) << 8 | i / vrfs,
                                    .length = 32 };
        rte_hash_add_key(subject.hash, &(struct host_key){ vrf, routes[i].address });
    }
    fib_fill(routes, n, vrfs);
    keys_choose(routes, n);
    measure(lookups, 2, cycles);
    snprintf(row_name, sizeof(row_name), "fib-lookup-%s", name);
    row(row_name, cycles[0], "cycles", "rte_hash", cycles[1]);
    snprintf(row_name, sizeof(row_name), "fib-memory-%s", name);
    row(row_name, fib_mib(), "MiB", "rte_hash", heap_mib() - before);
    fib_destroy(subject.fib);
    rte_hash_free(subject.hash);
    free(routes);
}

int
main(void)
{
    char *arguments[] = {
        (char[]){ "fib" },         (char[]){ "--no-huge" },          (char[]){ "--no-pci" },
        (char[]){ "--no-shconf" }, (char[]){ "--no-telemetry" },     (char[]){ "-m" },
        (char[]){ "1024" },        (char[]){ "--log-level=*:error" }
    };

    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
        fail("rte_eal_init");
    reclaim = reclaim_create(1);
    if (reclaim == NULL)
        fail("reclaim_create");
    one_vrf();
    many_vrfs("1000x100", 1000);
    many_vrfs("10000x100", 10000);
    reclaim_destroy(reclaim);
    return rte_eal_cleanup() == 0 ? 0 : 1;
}
