/* SPDX-License-Identifier: BSD-3-Clause */

/* worker.list, worker.move: who receives and sends where, and having it otherwise. */

#include "control/verbs.h"

#include <errno.h>
#include <string.h>

#include "control/control.h"
#include "lib/rpc/common.h"

static bool
receives(const struct port_queue *queue, unsigned worker)
{
    return queue->receiver == worker;
}

static bool
sends(const struct port_queue *queue, unsigned worker)
{
    return queue->sender == worker;
}

/* The queues of all ports for which `does` is true of this worker. */
static json_t *
queues_of(struct control *control, unsigned worker,
          bool (*does)(const struct port_queue *queue, unsigned worker))
{
    json_t *list = json_array();

    for (unsigned number = 0; number < PORTS_MAX; number++) {
        const struct port *port = port_at(control->ports, (uint16_t)number);

        for (unsigned i = 0; port != NULL && i < port->n_queues; i++) {
            if (does(&port->queues[i], worker))
                json_array_append_new(list,
                                      json_pack("{s:s, s:i}", "port", port->spec, "queue", (int)i));
        }
    }
    return list;
}

static json_t *
describe(struct control *control, unsigned worker)
{
    const int cpu = control->config->workers[worker];
    struct worker_counters sum;

    counters_worker(control->counters, worker, &sum);
    return json_pack(
        "{s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "id", (int)worker,
        "cpu", cpu == CPU_ANY ? json_null() : json_integer(cpu), "receives",
        queues_of(control, worker, receives), "sends", queues_of(control, worker, sends), "packets",
        (json_int_t)sum.packets, "bursts", (json_int_t)sum.bursts, "loops", (json_int_t)sum.loops,
        "idle_loops", (json_int_t)sum.idle_loops, "idle_percent",
        (json_int_t)(sum.loops == 0 ? 100 : sum.idle_loops * 100 / sum.loops), "handed_over",
        (json_int_t)sum.handed_over, "taken_over", (json_int_t)sum.taken_over, "fragments_held",
        (json_int_t)sum.fragments_held, "offloads_passed", (json_int_t)sum.offloads_passed,
        "unsplit_passed", (json_int_t)sum.unsplit_passed);
}

static void
worker_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    json_t *list = json_array();

    (void)params;
    for (unsigned i = 0; i < control->config->n_workers; i++)
        json_array_append_new(list, describe(control, i));
    rpc_reply(request, rpc_page_result("workers", list, NULL));
}

static struct port *
port_find(struct control *control, const char *spec)
{
    for (unsigned number = 0; number < PORTS_MAX; number++) {
        struct port *port = port_at(control->ports, (uint16_t)number);

        if (port != NULL && strcmp(port->spec, spec) == 0)
            return port;
    }
    return NULL;
}

static void
worker_move(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *spec = rpc_string(params, "port", "");
    const unsigned queue = (unsigned)rpc_integer(params, "queue", 0);
    const unsigned worker = (unsigned)rpc_integer(params, "worker", 0);
    struct port *port = port_find(control, spec);

    if (port == NULL) {
        rpc_fail(request, RPC_NOT_FOUND, "port", "%s: no such port", spec);
    } else if (queue >= port->n_queues) {
        rpc_fail(request, RPC_NOT_FOUND, "queue", "%s has %u queues", spec, port->n_queues);
    } else if (worker >= control->config->n_workers) {
        rpc_fail(request, RPC_NOT_FOUND, "worker", "there are %u workers",
                 control->config->n_workers);
    } else {
        switch (port_move(control->ports, port, queue, worker)) {
        case 0:
            rpc_reply(request, json_object());
            break;
        case -EBUSY:
            rpc_fail(request, RPC_BUSY, "queue", "it is still on its way to worker %u",
                     port->queues[queue].receiver);
            break;
        default:
            rpc_fail(request, RPC_INTERNAL, NULL, "out of memory");
        }
    }
}

int
verbs_worker_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter page[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter move[] = {
        { "port", RPC_STRING, true, 0, PORT_SPEC_MAX - 1 },
        { "queue", RPC_INTEGER, true, 0, WORKERS_MAX - 1 },
        { "worker", RPC_INTEGER, true, 0, WORKERS_MAX - 1 },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "worker.list", page, worker_list },
        { "worker.move", move, worker_move },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
