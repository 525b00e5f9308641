/* SPDX-License-Identifier: BSD-3-Clause */

/* millrace-rs: the End-System Route Server of draft-ietf-l3vpn-end-system. */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "control/routeserver/routeserver.h"
#include "lib/rpc/server.h"

#define LOG_AREA "millrace-rs"
#include "lib/base/log.h"

#define CONFIG_DEFAULT "/etc/millrace/millrace-rs.conf"

#define OWN_DESCRIPTORS 64

enum { EXIT_USAGE = 2 };

static void
on_signal(evutil_socket_t number, short events, void *context)
{
    (void)number, (void)events;
    route_server_stop(context);
}

/* Each session is a descriptor, and the usual soft limit is below what a server may have. */
static void
allow_descriptors(const struct rs_config *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)config->sessions_max + RPC_LIMITS_DEFAULT.connections + OWN_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_warning("limits: sessions: the system allows %llu descriptors, fewer than the sessions",
                    (unsigned long long)limit.rlim_cur);
}

static int
run(const struct rs_config *config)
{
    char error[RS_CONFIG_ERROR_MAX] = "no event loop";
    struct event_base *base = event_base_new();
    struct route_server *server = base == NULL ? NULL : route_server_start(base, config, error);
    struct event *term, *interrupt;
    int status = EXIT_FAILURE;

    if (server == NULL) {
        log_error("%s", error);
        goto out;
    }
    signal(SIGPIPE, SIG_IGN);
    allow_descriptors(config);
    term = evsignal_new(base, SIGTERM, on_signal, server);
    interrupt = evsignal_new(base, SIGINT, on_signal, server);
    if (term != NULL && interrupt != NULL && event_add(term, NULL) == 0 &&
        event_add(interrupt, NULL) == 0)
        status = event_base_dispatch(base) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (term != NULL)
        event_free(term);
    if (interrupt != NULL)
        event_free(interrupt);
    route_server_free(server);

out:
    if (base != NULL)
        event_base_free(base);
    return status;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "check-config", no_argument, NULL, 'C' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    const char *path = CONFIG_DEFAULT;
    char error[RS_CONFIG_ERROR_MAX];
    struct rs_config config;
    bool check = false;
    int option;

    while ((option = getopt_long(argc, argv, "c:ChV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'C':
            check = true;
            break;
        case 'h':
            puts("usage: millrace-rs [-c FILE] [--check-config [FILE]]\n\n"
                 "The route server: tells vRouters of each other's routes, VPN by VPN.\n\n"
                 "  -c, --config FILE          configuration (default " CONFIG_DEFAULT ")\n"
                 "  -C, --check-config         check the configuration and end\n"
                 "  -V, --version              print the version\n"
                 "  -h, --help                 print this\n\n"
                 "See millrace-rs(8); millracectl(8) talks to a running one.");
            return EXIT_SUCCESS;
        case 'V':
            puts("millrace-rs " MILLRACE_VERSION);
            return EXIT_SUCCESS;
        default:
            fprintf(stderr, "millrace-rs: see millrace-rs --help\n");
            return EXIT_USAGE;
        }
    }
    if (check && optind + 1 == argc)
        path = argv[optind++];
    if (optind < argc) {
        fprintf(stderr, "millrace-rs: %s: no such argument; see millrace-rs --help\n",
                argv[optind]);
        return EXIT_USAGE;
    }
    if (rs_config_load(path, &config, error) != 0) {
        fprintf(stderr, "millrace-rs: %s\n", error);
        return EXIT_FAILURE;
    }
    if (check)
        printf("%s: no errors\n", path);
    int status = check ? EXIT_SUCCESS : run(&config);
    rs_config_free(&config);
    return status;
}
