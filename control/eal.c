/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * DPDK's environment: private to this process (no shared files, so daemons stand side by side), on
 * huge pages if enough are free, else on ordinary ones. lcore 0 is the control thread, lcore 1 the
 * slow path, the workers follow; each is bound to the CPU that the configuration names, or to all.
 */

#define LOG_AREA "eal"

#include "control/eal.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "control/eal_log.h"
#include "lib/base/log.h"
#include "lib/port/port.h"
#include "lib/port/spec.h"
#include "lib/ring/note.h"

#define LCORE_SLOW_PATH     1
#define LCORE_WORKERS       2
#define HUGE_PAGE           (2u << 20) /* the smallest that there is */
#define MEMORY_BASE_MIB     128u       /* ports' rings, telemetry, whatever libraries take */
#define ARGUMENTS_MAX       16
#define CPU_LIST_MAX        1024
#define LCORES_MAX          4096
#define POOL_CACHE          256
#define HUGEPAGES_DIRECTORY "/sys/kernel/mm/hugepages"

static uint16_t
data_room(const struct config *config)
{
    return (uint16_t)(port_frame_octets(config->underlay.settings.mtu) + RTE_PKTMBUF_HEADROOM);
}

/* What the packet pool and everything else takes on pages of one size: no buffer lies in two, so
 * that on ordinary pages one of 2,500 octets takes a page for itself. */
static uint32_t
memory_needed_mib(const struct config *config, uint64_t page)
{
    const uint32_t buffer = sizeof(struct rte_mbuf) + PACKET_PRIVATE_OCTETS + data_room(config);
    const uint64_t object = rte_mempool_calc_obj_size(buffer, 0, NULL);
    const uint64_t packet = object <= page ? page / (page / object) : RTE_ALIGN_CEIL(object, page);

    if (config->memory_mib != 0)
        return config->memory_mib;
    return MEMORY_BASE_MIB + (uint32_t)(config->packets * packet >> 20);
}

/* MiB in huge pages that nobody uses. */
static uint64_t
free_hugepages_mib(void)
{
    DIR *directory = opendir(HUGEPAGES_DIRECTORY);
    struct dirent *entry;
    uint64_t mib = 0;

    if (directory == NULL)
        return 0;
    while ((entry = readdir(directory)) != NULL) {
        char path[sizeof(HUGEPAGES_DIRECTORY) + sizeof(entry->d_name) + 32];
        unsigned long long kib, pages = 0;
        if (sscanf(entry->d_name, "hugepages-%llukB", &kib) != 1)
            continue;
        snprintf(path, sizeof(path), HUGEPAGES_DIRECTORY "/%s/free_hugepages", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        if (fscanf(file, "%llu", &pages) != 1)
            pages = 0;
        fclose(file);
        mib += pages * kib >> 10;
    }
    closedir(directory);
    return mib;
}

/* The CPUs that this process may use, as "0,1,5". */
static void
allowed_cpus(char list[CPU_LIST_MAX])
{
    size_t used = 0;
    cpu_set_t set;

    list[0] = '\0';
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        CPU_SET(0, &set);
    for (int cpu = 0; cpu < CPU_SETSIZE && used + 8 < CPU_LIST_MAX; cpu++) {
        if (CPU_ISSET(cpu, &set))
            used += (size_t)snprintf(list + used, CPU_LIST_MAX - used, "%s%d", used == 0 ? "" : ",",
                                     cpu);
    }
}

int
eal_check_cpus(const struct config *config, char *error, size_t error_size)
{
    char all[CPU_LIST_MAX];
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 0;
    for (unsigned i = 0; i <= config->n_workers; i++) {
        bool worker = i < config->n_workers;
        int cpu = worker ? config->workers[i] : config->slow_path_cpu;
        if (cpu == CPU_ANY || CPU_ISSET(cpu, &set))
            continue;
        allowed_cpus(all);
        snprintf(error, error_size, "%s: CPU %d is not among those that may be used: %s",
                 worker ? "workers" : "slow-path-cpu", cpu, all);
        return -EINVAL;
    }
    return 0;
}

/* Appends ",LCORE@CPU", or ",LCORE@(all)". */
static void
append_lcore(char lcores[LCORES_MAX], unsigned lcore, int cpu, const char *all)
{
    size_t used = strlen(lcores);

    if (cpu == CPU_ANY)
        snprintf(lcores + used, LCORES_MAX - used, "%s%u@(%s)", used == 0 ? "" : ",", lcore, all);
    else
        snprintf(lcores + used, LCORES_MAX - used, "%s%u@%d", used == 0 ? "" : ",", lcore, cpu);
}

static void
place_lcores(const struct config *config, struct eal *eal, char lcores[LCORES_MAX])
{
    char all[CPU_LIST_MAX];

    allowed_cpus(all);
    lcores[0] = '\0';
    append_lcore(lcores, 0, CPU_ANY, all);
    eal->slow_path_lcore = LCORE_SLOW_PATH;
    append_lcore(lcores, LCORE_SLOW_PATH, config->slow_path_cpu, all);
    for (unsigned i = 0; i < config->n_workers; i++) {
        eal->worker_lcores[i] = LCORE_WORKERS + i;
        append_lcore(lcores, LCORE_WORKERS + i, config->workers[i], all);
    }
}

static bool
is_pci(const char *port)
{
    struct port_spec spec;
    char error[CONFIG_ERROR_MAX];

    return port_spec_parse(port, &spec, error, sizeof(error)) == 0 && spec.kind == PORT_PCI;
}

static bool
uses_pci(const struct config *config)
{
    bool found = is_pci(config->underlay.port);

    for (unsigned i = 0; i < config->n_vifs; i++)
        found |= is_pci(config->vifs[i].port);
    return found;
}

int
eal_start(const struct config *config, const char *program, struct eal *eal, char *error,
          size_t error_size)
{
    char name[256], lcores[LCORES_MAX], memory[16];
    char in_memory[] = "--in-memory", no_shconf[] = "--no-shconf", iova[] = "--iova-mode=va",
         level[] = "--log-level=error";
    char lcores_option[] = "--lcores", memory_option[] = "-m", no_huge[] = "--no-huge";
    char no_pci[] = "--no-pci";
    uint32_t needed = memory_needed_mib(config, HUGE_PAGE);
    char *arguments[ARGUMENTS_MAX] = { name,          in_memory, iova,          level,
                                       lcores_option, lcores,    memory_option, memory };
    int n = 8;

    if (eal_check_cpus(config, error, error_size) < 0)
        return -EINVAL;
    simd_limit(config->simd);
    snprintf(name, sizeof(name), "%s", program);
    place_lcores(config, eal, lcores);
    eal->hugepages = config->hugepages && free_hugepages_mib() >= needed;
    if (!eal->hugepages) {
        needed = memory_needed_mib(config, (uint64_t)sysconf(_SC_PAGESIZE));
        arguments[n++] = no_huge;
        arguments[1] = no_shconf; /* --in-memory does not go with --no-huge */
    }
    snprintf(memory, sizeof(memory), "%u", needed);
    if (!uses_pci(config))
        arguments[n++] = no_pci;
    if (eal_log_redirect() < 0 || rte_eal_init(n, arguments) < 0) {
        snprintf(error, error_size, "it does not start: %s", rte_strerror(rte_errno));
        return -EIO;
    }
    eal->pool = rte_pktmbuf_pool_create("packets", config->packets, POOL_CACHE,
                                        PACKET_PRIVATE_OCTETS, data_room(config), SOCKET_ID_ANY);
    if (eal->pool == NULL) {
        snprintf(error, error_size, "no memory for %u packets in %u MiB (memory, packets)",
                 config->packets, needed);
        rte_eal_cleanup();
        return -ENOMEM;
    }
    log_info("%u MiB on %s pages, %u packet buffers, %s instructions", needed,
             eal->hugepages ? "huge" : "ordinary", config->packets, simd_level_name(simd_level()));
    return 0;
}

void
eal_stop(struct eal *eal)
{
    if (eal->pool == NULL)
        return;
    rte_mempool_free(eal->pool);
    eal->pool = NULL;
    rte_eal_cleanup();
}
