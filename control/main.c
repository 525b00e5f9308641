/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * millrace: the vRouter. Makes every part in order, launches the slow path and the workers, runs
 * the event loop, and takes everything down in the opposite order. The only file that sees the
 * three rooms control, fastpath and slowpath.
 */

#define LOG_AREA "millrace"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <rte_launch.h>

#include "control/control.h"
#include "control/host_port.h"
#include "control/options.h"
#include "control/path_mtu.h"
#include "control/routing.h"
#include "control/verbs.h"
#include "control/watches.h"
#include "fastpath/fastpath.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/rpc/server.h"
#include "slowpath/slowpath.h"

#define HELPER_JOBS_MAX     4096
#define RECLAIM_INTERVAL_MS 5
#define DRAIN_TIMEOUT_MS    5000

struct daemon {
    struct control control;
    struct config config;
    struct rings *rings;
    struct fastpath *fastpath;
    struct slowpath *slowpath;
    struct rpc_server *rpc;
    struct path_mtus *path_mtus;
    struct event *reclaim_timer;
    struct event *signals[2];
    bool launched;
    bool stopping;
};

/* ---- What control asks of the fast path ---- */

static int
explain(struct control *control, const struct packet_note *note, const void *octets, size_t length,
        struct trace *trace)
{
    struct daemon *daemon = (struct daemon *)control; /* its first member */

    return fastpath_explain(daemon->fastpath, note, octets, length, trace);
}

static void
rates_used(struct control *control, const struct vif *vif, unsigned *in, unsigned *out)
{
    struct daemon *daemon = (struct daemon *)control; /* its first member */

    fastpath_rates_used(daemon->fastpath, vif, in, out);
}

/* ---- Ending ---- */

static void
leave_loop(void *context)
{
    struct daemon *daemon = context;

    event_base_loopbreak(daemon->control.base);
}

static void
stop(struct control *control, bool drain)
{
    struct daemon *daemon = (struct daemon *)control; /* its first member */

    if (daemon->stopping)
        return;
    daemon->stopping = true;
    if (drain) {
        log_info("stopping: retracting all routes first");
        routing_drain(control->routing, DRAIN_TIMEOUT_MS, leave_loop, daemon);
    } else {
        log_info("stopping");
        event_base_loopexit(control->base, NULL);
    }
}

static void
on_signal(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    stop(context, false);
}

static void
on_reclaim(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;

    (void)fd;
    (void)what;
    fib_compact(control->tables->fib);
    reclaim_poll(control->tables->reclaim);
}

/* ---- Beginning: each step says what went wrong, and returns false ---- */

static bool
out_of_memory(const char *what)
{
    log_error("no memory for %s", what);
    return false;
}

static bool
make_tables(struct daemon *daemon)
{
    struct control *control = &daemon->control;
    const struct config *config = &daemon->config;
    unsigned threads = config->n_workers + 1;
    struct counters_shape shape = {
        .threads = threads,
        .vifs = config->limits.vifs,
        .vrfs = config->limits.vrfs,
        .endpoints = config->limits.endpoints,
        .ports = PORTS_MAX,
    };

    control->tables = tables_create(&config->limits, threads, PORTS_MAX);
    if (control->tables == NULL)
        return out_of_memory("the tables");
    control->ports = port_table_create(config->n_workers, control->tables->reclaim);
    control->counters = counters_create(&shape);
    daemon->rings = rings_create(config->n_workers, config->limits.vifs);
    if (control->ports == NULL || control->counters == NULL || daemon->rings == NULL)
        return out_of_memory("ports, counters and rings");
    return true;
}

static bool
open_underlay(struct daemon *daemon)
{
    struct control *control = &daemon->control;
    const struct underlay_config *underlay = &daemon->config.underlay;
    char error[CONFIG_ERROR_MAX];

    control->underlay = underlay->settings;
    if (port_open(underlay->port, PORT_UNDERLAY, underlay->settings.mtu, daemon->config.n_workers,
                  control->eal.pool, &control->underlay_port, error, sizeof(error)) != 0) {
        log_error("underlay %s: port %s: %s", underlay->name, underlay->port, error);
        return false;
    }
    if (port_publish(control->ports, control->underlay_port) != 0) {
        port_close(control->underlay_port);
        control->underlay_port = NULL;
        return out_of_memory("the underlay port");
    }
    if (host_port_open(control, error, sizeof(error)) != 0) {
        log_error("underlay %s: host-interface %s: %s", underlay->name, underlay->host_interface,
                  error);
        return false;
    }
    return true;
}

static bool
launch(struct daemon *daemon)
{
    struct control *control = &daemon->control;
    const struct config *config = &daemon->config;
    struct fastpath_config fastpath = {
        .n_workers = config->n_workers,
        .tables = control->tables,
        .ports = control->ports,
        .rings = daemon->rings,
        .counters = control->counters,
        .pool = control->eal.pool,
        .underlay = &control->underlay,
        .watches = &control->watches_board,
        .poll = config->poll,
    };
    struct slowpath_config slowpath = {
        .tables = control->tables,
        .ports = control->ports,
        .rings = daemon->rings,
        .counters = control->counters,
        .pool = control->eal.pool,
        .underlay = &control->underlay,
    };
    static const struct mac_addr none;

    if (!mac_equal(&config->underlay.gateway_mac, &none)) {
        slowpath.fixed_neighbours[0] = config->underlay.v4.gateway;
        slowpath.fixed_neighbours[1] = config->underlay.v6.gateway;
        slowpath.fixed_mac = config->underlay.gateway_mac;
    }
    daemon->fastpath = fastpath_create(&fastpath);
    daemon->slowpath = slowpath_create(&slowpath);
    if (daemon->fastpath == NULL || daemon->slowpath == NULL)
        return out_of_memory("the workers");
    daemon->launched = true;
    for (unsigned i = 0; i < config->n_workers; i++) {
        if (rte_eal_remote_launch(fastpath_run, fastpath_worker(daemon->fastpath, i),
                                  control->eal.worker_lcores[i]) != 0)
            return out_of_memory("a worker's thread");
    }
    if (rte_eal_remote_launch(slowpath_run, daemon->slowpath, control->eal.slow_path_lcore) != 0)
        return out_of_memory("the slow path's thread");
    return true;
}

static bool
make_loop(struct daemon *daemon)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    static const struct timeval interval = { .tv_usec = RECLAIM_INTERVAL_MS * 1000 };
    struct control *control = &daemon->control;

    control->base = event_base_new();
    if (control->base == NULL)
        return out_of_memory("the event loop");
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < 2; i++) {
        daemon->signals[i] = evsignal_new(control->base, numbers[i], on_signal, control);
        if (daemon->signals[i] == NULL || evsignal_add(daemon->signals[i], NULL) != 0)
            return out_of_memory("the signals");
    }
    daemon->reclaim_timer = event_new(control->base, -1, EV_PERSIST, on_reclaim, control);
    if (daemon->reclaim_timer == NULL || event_add(daemon->reclaim_timer, &interval) != 0)
        return out_of_memory("a timer");
    return true;
}

static bool
load_labels(struct control *control)
{
    control->labels = labels_create();
    if (control->labels == NULL)
        return out_of_memory("the labels");
    json_t *content = state_read(control->state, LABELS_STATE, LABELS_STATE_VERSION);
    if (content != NULL && labels_from_json(control->labels, content, clock_unix_seconds()) != 0)
        state_reject(control->state, LABELS_STATE, "its content makes no sense");
    json_decref(content);
    return true;
}

static bool
make_control(struct daemon *daemon)
{
    struct control *control = &daemon->control;
    struct config_error what = { .text = "out of memory" };

    control->helper = helper_create(control->base, HELPER_JOBS_MAX);
    if (control->helper == NULL)
        return out_of_memory("the helper thread");
    if (state_open(daemon->config.state_directory, control->helper, &control->state, what.text,
                   sizeof(what.text)) != 0) {
        log_error("state-directory %s: %s", daemon->config.state_directory, what.text);
        return false;
    }
    if (!load_labels(control))
        return false;
    if (vrfs_create(control, &control->vrfs, &what) != 0 ||
        routing_create(control, &control->routing, &what) != 0) {
        log_error("%s: %s", what.field, what.text);
        return false;
    }
    daemon->path_mtus = path_mtus_create(control, daemon->rings);
    if (daemon->path_mtus == NULL)
        return out_of_memory("path MTUs");
    control->interfaces = interfaces_create(control, &routing_interface_events, control->routing);
    if (control->interfaces == NULL)
        return out_of_memory("the interfaces");
    control->watches = watches_create(control, watch_answer);
    return control->watches != NULL || out_of_memory("the watches");
}

static bool
listen_for_requests(struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    struct control *control = &daemon->control;
    const char *group = config->control_socket_group;

    daemon->rpc = rpc_server_new(control->base, &RPC_LIMITS_DEFAULT);
    control->rpc = daemon->rpc;
    if (daemon->rpc == NULL || verbs_vif_add(daemon->rpc, control) != 0 ||
        verbs_vrf_add(daemon->rpc, control) != 0 || verbs_route_add(daemon->rpc, control) != 0 ||
        verbs_explain_add(daemon->rpc, control) != 0 ||
        verbs_watch_add(daemon->rpc, control) != 0 || verbs_server_add(daemon->rpc, control) != 0 ||
        verbs_endpoint_add(daemon->rpc, control) != 0 ||
        verbs_counters_add(daemon->rpc, control) != 0 ||
        verbs_worker_add(daemon->rpc, control) != 0 || verbs_daemon_add(daemon->rpc, control) != 0)
        return out_of_memory("the control socket");
    int error = rpc_server_listen(daemon->rpc, config->control_socket, config->control_socket_mode,
                                  group[0] == '\0' ? NULL : group);
    if (error != 0) {
        log_error("control-socket %s: %s", config->control_socket,
                  error == -EADDRINUSE ? "another process listens there" : strerror(-error));
        return false;
    }
    return true;
}

static bool
begin(struct daemon *daemon, const char *program)
{
    struct control *control = &daemon->control;
    char error[CONFIG_ERROR_MAX];

    control->config = &daemon->config;
    control->stop = stop;
    control->explain = explain;
    control->rates_used = rates_used;
    if (eal_start(&daemon->config, program, &control->eal, error, sizeof(error)) != 0) {
        log_error("DPDK: %s", error);
        return false;
    }
    if (!make_tables(daemon) || !make_loop(daemon) || !open_underlay(daemon) || !launch(daemon) ||
        !make_control(daemon) || !listen_for_requests(daemon))
        return false;
    interfaces_start(control->interfaces);
    return true;
}

/* Takes down whatever begin() made. */
static void
end(struct daemon *daemon)
{
    struct control *control = &daemon->control;

    if (daemon->rpc != NULL)
        rpc_server_free(daemon->rpc);
    if (control->helper != NULL)
        helper_drain(control->helper);
    if (control->routing != NULL)
        routing_save(control->routing);
    if (daemon->launched) {
        fastpath_stop(daemon->fastpath);
        slowpath_stop(daemon->slowpath);
        rte_eal_mp_wait_lcore();
    }
    watches_destroy(control->watches);
    if (control->interfaces != NULL)
        interfaces_destroy(control->interfaces);
    path_mtus_destroy(daemon->path_mtus);
    routing_destroy(control->routing);
    if (control->vrfs != NULL)
        vrfs_destroy(control->vrfs);
    if (control->helper != NULL)
        helper_destroy(control->helper);
    if (control->labels != NULL)
        labels_destroy(control->labels);
    if (control->state != NULL)
        state_close(control->state);
    if (daemon->slowpath != NULL)
        slowpath_destroy(daemon->slowpath);
    if (daemon->fastpath != NULL)
        fastpath_destroy(daemon->fastpath);
    if (daemon->rings != NULL)
        rings_destroy(daemon->rings);
    if (control->tables != NULL)
        reclaim_drain(control->tables->reclaim);
    if (control->host_port != NULL)
        port_close(control->host_port);
    if (control->underlay_port != NULL)
        port_close(control->underlay_port);
    if (control->ports != NULL)
        port_table_destroy(control->ports);
    if (control->counters != NULL)
        counters_destroy(control->counters);
    if (control->tables != NULL)
        tables_destroy(control->tables);
    for (unsigned i = 0; i < 2; i++) {
        if (daemon->signals[i] != NULL)
            event_free(daemon->signals[i]);
    }
    if (daemon->reclaim_timer != NULL)
        event_free(daemon->reclaim_timer);
    if (control->base != NULL)
        event_base_free(control->base);
    eal_stop(&control->eal);
}

int
main(int argc, char **argv)
{
    static struct daemon daemon;
    struct options options;
    struct config_error error;
    int status = options_read(argc, argv, &options);

    if (status >= 0)
        return status;
    if (config_load(options.config_path, &daemon.config, &error) != 0) {
        fprintf(stderr, "millrace: %s\n", error.text);
        return EXIT_STATUS_FAILED;
    }
    if (options.check_only) {
        char elsewhere[CONFIG_ERROR_MAX];

        if (eal_check_cpus(&daemon.config, elsewhere, sizeof(elsewhere)) != 0)
            fprintf(stderr, "millrace: warning: on this host the file will not do: %s\n",
                    elsewhere);
        printf("%s: no errors\n", options.config_path);
        config_free(&daemon.config);
        return EXIT_STATUS_OK;
    }
    bool begun = begin(&daemon, argv[0]);
    if (begun) {
        log_info("millrace %s runs: %u workers, underlay %s, %u route servers", MILLRACE_VERSION,
                 daemon.config.n_workers, daemon.config.underlay.name, daemon.config.n_servers);
        event_base_dispatch(daemon.control.base);
    }
    end(&daemon);
    config_free(&daemon.config);
    return begun ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
