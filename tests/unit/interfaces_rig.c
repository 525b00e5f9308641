/* SPDX-License-Identifier: BSD-3-Clause */

/* See interfaces_rig.h. */

#include "interfaces_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define DEADLINE_MS 60000

static const char configuration[] =
    "memory = 128\n packets = 1024\n hugepages = false\n"
    "limits { interfaces = 64 vrfs = 16 routes = 1024 fib-nodes = 1024 endpoints = 16\n"
    "         ecmp-sets = 16 neighbours = 16 }\n"
    "underlay \"fabric\" { port = \"tap:underlay\" address = {\"192.0.2.11/24\"} }\n"
    "vpn \"red\" { instance-id = 1 }\n"
    "vpn \"hub\" { label-mode = gateway label = 100 gateway6 = \"fe80::7\" }\n"
    "vif \"fixed\" { vpn = red port = \"null:\" vlan = 99 mac = \"02:00:00:00:00:99\"\n"
    "              address = {\"10.0.0.99\"} }\n";

static struct config config;
const struct config *rig_config = &config;
static struct eal eal;

static unsigned
route_index(const struct told *told, const struct vrf *vrf, const struct ip_prefix *prefix)
{
    unsigned i = 0;

    while (i < told->n_routes &&
           (told->vrfs[i] != vrf || !ip_prefix_equal(&told->routes[i].prefix, prefix)))
        i++;
    return i;
}

static void
on_vpn_added(void *context, struct vrf *vrf)
{
    struct told *told = context;

    told->added++;
    snprintf(told->last_vpn, sizeof(told->last_vpn), "%s", vrf->name);
}

static void
on_vpn_removed(void *context, struct vrf *vrf)
{
    struct told *told = context;

    told->removed++;
    snprintf(told->last_vpn, sizeof(told->last_vpn), "%s", vrf->name);
}

static void
on_publish(void *context, struct vrf *vrf, const struct route *route)
{
    struct told *told = context;
    unsigned i = route_index(told, vrf, &route->prefix);

    told->published++;
    told->routes[i] = *route;
    told->vrfs[i] = vrf;
    told->n_routes += i == told->n_routes;
}

static void
on_retract(void *context, struct vrf *vrf, const struct ip_prefix *prefix)
{
    struct told *told = context;
    unsigned i = route_index(told, vrf, prefix);

    assert_true(i < told->n_routes);
    told->retracted++;
    told->routes[i] = told->routes[--told->n_routes];
    told->vrfs[i] = told->vrfs[told->n_routes];
}

static void
on_labels_changed(void *context)
{
    ((struct told *)context)->labels++;
}

static void
on_started(void *context, unsigned failed)
{
    struct told *told = context;

    told->started++;
    told->failed = failed;
}

static const struct interface_events events = {
    .vpn_added = on_vpn_added,
    .vpn_removed = on_vpn_removed,
    .publish = on_publish,
    .retract = on_retract,
    .labels_changed = on_labels_changed,
    .started = on_started,
};

void
wait_for(struct rig *rig, const unsigned *value, unsigned wanted)
{
    uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;

    while (*value != wanted) {
        if (clock_monotonic_ms() > deadline)
            fail_msg("%u instead of %u at the deadline", *value, wanted);
        event_base_loop(rig->control.base, EVLOOP_NONBLOCK);
        reclaim_poll(rig->control.tables->reclaim);
        usleep(1000);
    }
}

void
rig_begin(struct rig *rig)
{
    struct control *control = &rig->control;
    struct counters_shape shape = { 1, 64, 16, 16, PORTS_MAX };
    char error[256];
    json_t *labels;

    memset(control, 0, sizeof(*control));
    memset(&rig->told, 0, sizeof(rig->told));
    control->config = &config;
    control->eal = eal;
    control->base = event_base_new();
    control->tables = tables_create(&config.limits, 1, PORTS_MAX);
    control->ports = port_table_create(1, control->tables->reclaim);
    control->counters = counters_create(&shape);
    control->helper = helper_create(control->base, 64);
    assert_int_equal(
        state_open(rig->directory, control->helper, &control->state, error, sizeof(error)), 0);
    control->labels = labels_create();
    labels = state_read(control->state, LABELS_STATE, LABELS_STATE_VERSION);
    if (labels != NULL)
        assert_int_equal(labels_from_json(control->labels, labels, clock_unix_seconds()), 0);
    json_decref(labels);
    assert_int_equal(vrfs_create(control, &control->vrfs, &rig->what), 0);
    control->interfaces = interfaces_create(control, &events, &rig->told);
    assert_non_null(control->interfaces);
    interfaces_start(control->interfaces);
    wait_for(rig, &rig->told.started, 1);
}

void
rig_end(struct rig *rig)
{
    struct control *control = &rig->control;

    helper_drain(control->helper);
    interfaces_destroy(control->interfaces);
    vrfs_destroy(control->vrfs);
    helper_destroy(control->helper);
    labels_destroy(control->labels);
    state_close(control->state);
    counters_destroy(control->counters);
    reclaim_drain(control->tables->reclaim);
    port_table_destroy(control->ports);
    tables_destroy(control->tables);
    event_base_free(control->base);
}

int
rig_up(void **context)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    snprintf(rig->directory, sizeof(rig->directory), "/tmp/millrace-vif-XXXXXX");
    if (rig == NULL || mkdtemp(rig->directory) == NULL)
        return -1;
    rig_begin(rig);
    *context = rig;
    return 0;
}

int
rig_down(void **context)
{
    struct rig *rig = *context;
    char command[128];

    rig_end(rig);
    snprintf(command, sizeof(command), "rm -r %s", rig->directory);
    if (system(command) != 0)
        return -1;
    free(rig);
    return 0;
}

void
on_done(void *argument, int error, const struct config_error *what)
{
    struct rig *rig = argument;

    rig->result = error;
    if (error < 0)
        rig->what = *what;
}

int
finish(struct rig *rig, int status)
{
    uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;

    if (status < 0)
        return status;
    while (rig->result == 1 && clock_monotonic_ms() < deadline) {
        event_base_loop(rig->control.base, EVLOOP_NONBLOCK);
        reclaim_poll(rig->control.tables->reclaim);
        usleep(1000);
    }
    return rig->result;
}

const struct vif *
seen_of(struct rig *rig, const char *name)
{
    const struct interface *interface = interface_find(rig->control.interfaces, name);

    assert_non_null(interface);
    return vif_at(&rig->control.tables->vifs, interface->id);
}

int
add(struct rig *rig, const struct vif_config *vif)
{
    rig->result = 1;
    return finish(rig, interface_add(rig->control.interfaces, vif, on_done, rig, &rig->what));
}

int
take_away(struct rig *rig, const char *name)
{
    rig->result = 1;
    return finish(rig, interface_delete(rig->control.interfaces, name, on_done, rig, &rig->what));
}

struct vif_config
vif_make(unsigned n, const char *vpn)
{
    struct vif_config vif = VIF_CONFIG_DEFAULT;

    snprintf(vif.name, sizeof(vif.name), "vm%u", n);
    snprintf(vif.vpn, sizeof(vif.vpn), "%s", vpn);
    snprintf(vif.port, sizeof(vif.port), "null:");
    vif.vlan = (uint16_t)n;
    vif.mac = (struct mac_addr){ { 2, 0, 0, 0, 0, (uint8_t)n } };
    vif.n_addresses = 1;
    vif.addresses[0].addr = ip_addr_from_v4(0x0a000000 + n);
    vif.addresses[0].length = 32;
    return vif;
}

int
everything_up(void **context)
{
    FILE *file = fmemopen((char *)(uintptr_t)configuration, sizeof(configuration) - 1, "r");
    struct config_error error = { 0 };
    char text[256] = "";

    (void)context;
    log_level_set(LOG_LEVEL_ERROR);
    if (file == NULL || config_read(file, "test.conf", &config, &error) < 0 ||
        eal_start(&config, "test_interfaces", &eal, text, sizeof(text)) < 0) {
        print_error("%s%s\n", error.text, text);
        return -1;
    }
    fclose(file);
    return 0;
}

int
everything_down(void **context)
{
    bool complete = rte_mempool_avail_count(eal.pool) == config.packets;

    (void)context;
    eal_stop(&eal);
    config_free(&config);
    return complete ? 0 : -1;
}
