/* SPDX-License-Identifier: BSD-3-Clause */

/* vif.add, vif.set, vif.del, vif.list: interfaces at run time. */

#include "control/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/vif_json.h"
#include "lib/rpc/server.h"

static const char *
state_name(enum interface_state state)
{
    static const char *const names[] = {
        [INTERFACE_OPENING] = "adding", [INTERFACE_FAILED] = "failed",    [INTERFACE_DOWN] = "down",
        [INTERFACE_UP] = "up",          [INTERFACE_CLOSING] = "deleting",
    };

    return names[state];
}

/* The interface as it is, with its counters. */
static json_t *
describe(struct control *control, const struct interface *interface)
{
    json_t *member = vif_config_to_json(&interface->config);
    char gateway[IP_ADDR_TEXT_MAX], gateway6[IP_ADDR_TEXT_MAX];
    struct vif_counters sum;
    uint64_t drops = 0;

    memset(&sum, 0, sizeof(sum));
    if (interface->id != VIF_NONE)
        counters_vif(control->counters, interface->id, &sum);
    for (unsigned reason = 0; reason < DROP_REASONS; reason++)
        drops += sum.drops[reason];
    json_t *live = json_pack(
        "{s:s, s:s, s:s, s:i, s:I, s:I, s:b, s:s, s:I, s:I, s:I, s:I, s:I}", "state",
        state_name(interface->state), "gateway", ip_addr_format(&interface->gateway, gateway),
        "gateway6", ip_addr_format(&interface->gateway6, gateway6), "mtu", (int)interface->mtu,
        "label", (json_int_t)interface->label, "sequence_number",
        (json_int_t)interface->sequence_number, "from_file", interface->config.from_file, "failure",
        interface->failure == NULL ? "" : interface->failure, "rx_packets",
        (json_int_t)sum.rx.packets, "rx_octets", (json_int_t)sum.rx.octets, "tx_packets",
        (json_int_t)sum.tx.packets, "tx_octets", (json_int_t)sum.tx.octets, "drops",
        (json_int_t)drops);
    json_object_update(member, live);
    json_decref(live);
    if (interface->id != VIF_NONE)
        json_object_set_new(member, "id", json_integer(interface->id));
    return member;
}

static enum rpc_error
error_code(int error)
{
    switch (error) {
    case -EINVAL:
    case -ERANGE:
        return RPC_INVALID_PARAMETER;
    case -ENOENT:
        return RPC_NOT_FOUND;
    case -EEXIST:
        return RPC_EXISTS;
    case -EBUSY:
    case -ENOSPC:
        return RPC_BUSY;
    case -ENOMEM:
    case -EIO:
        return RPC_INTERNAL;
    default: /* what the system refuses: there is no such device, it is not permitted */
        return RPC_REFUSED;
    }
}

static void
fail(struct rpc_request *request, int error, const struct config_error *what)
{
    rpc_fail(request, error_code(error), what->field[0] == '\0' ? NULL : what->field, "%s",
             what->text[0] == '\0' ? strerror(-error) : what->text);
}

/* A request that waits until its interface is there, or gone. */
struct pending {
    struct control *control;
    struct rpc_request *request;
    char name[VIF_NAME_MAX];
};

static struct pending *
pend(struct control *control, struct rpc_request *request, const char *name)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    if (pending == NULL) {
        rpc_fail(request, RPC_INTERNAL, NULL, "out of memory");
        return NULL;
    }
    pending->control = control;
    pending->request = request;
    snprintf(pending->name, sizeof(pending->name), "%s", name);
    return pending;
}

/* The interface is there, or as it was asked to be. */
static void
made(void *argument, int error, const struct config_error *what)
{
    struct pending *pending = argument;
    const struct interface *interface =
        error == 0 ? interface_find(pending->control->interfaces, pending->name) : NULL;

    if (interface != NULL)
        rpc_reply(pending->request, describe(pending->control, interface));
    else
        fail(pending->request, error == 0 ? -ENOENT : error, what);
    free(pending);
}

static void
vif_add_verb(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    struct config_error what = { .field = "" };
    struct vif_config vif;

    int error = vif_config_from_json(params, &vif, &what);
    if (error == 0)
        error = vif_config_check(&vif, &what);
    if (error != 0) {
        fail(request, error, &what);
        return;
    }
    struct pending *pending = pend(control, request, vif.name);
    if (pending == NULL)
        return;
    error = interface_add(control->interfaces, &vif, made, pending, &what);
    if (error != 0) {
        free(pending);
        fail(request, error, &what);
    }
}

static void
vif_set_verb(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *name = rpc_string(params, "name", "");
    const struct interface *interface = interface_find(control->interfaces, name);
    struct config_error what = { .field = "name" };
    struct pending *pending;
    struct vif_config vif;
    int error = -ENOENT;

    if (interface == NULL) {
        snprintf(what.text, sizeof(what.text), "no such interface");
    } else if (json_object_size(params) == 1) {
        error = -EINVAL;
        what.field[0] = '\0';
        snprintf(what.text, sizeof(what.text), "nothing is said of what is to be set");
    } else {
        vif = interface->config;
        error = vif_config_changes_from_json(params, &vif, &what);
        if (error == 0)
            error = vif_config_check(&vif, &what);
    }
    if (error != 0) {
        fail(request, error, &what);
        return;
    }
    pending = pend(control, request, name);
    if (pending == NULL)
        return;
    error = interface_change(control->interfaces, &vif, made, pending, &what);
    if (error != 0) {
        free(pending);
        fail(request, error, &what);
    }
}

static void
deleted(void *argument, int error, const struct config_error *what)
{
    struct pending *pending = argument;

    if (error == 0)
        rpc_reply(pending->request, json_object());
    else
        fail(pending->request, error, what);
    free(pending);
}

static void
vif_del_verb(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *name = rpc_string(params, "name", "");
    struct config_error what = { .field = "name" };
    struct pending *pending = pend(control, request, name);

    if (pending == NULL)
        return;
    int error = interface_delete(control->interfaces, name, deleted, pending, &what);
    if (error != 0) {
        free(pending);
        fail(request, error, &what);
    }
}

static void
vif_list_verb(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *cursor = rpc_page_after(params), *last = NULL;
    size_t limit = rpc_page_limit(params);
    const struct interface *interface =
        interface_after(control->interfaces, cursor == NULL ? "" : cursor);
    json_t *list = json_array();

    while (interface != NULL && json_array_size(list) < limit) {
        json_array_append_new(list, describe(control, interface));
        last = interface->config.name;
        interface = interface_after(control->interfaces, last);
    }
    rpc_reply(request, rpc_page_result("vifs", list, interface == NULL ? NULL : last));
}

#define RATES_AND_MSS                                                       \
    { "rate_in", RPC_INTEGER, false, 0, VIF_RATE_BITS_MAX },                \
        { "rate_out", RPC_INTEGER, false, 0, VIF_RATE_BITS_MAX },           \
        { "packet_rate_in", RPC_INTEGER, false, 0, VIF_RATE_PACKETS_MAX },  \
        { "packet_rate_out", RPC_INTEGER, false, 0, VIF_RATE_PACKETS_MAX }, \
    {                                                                       \
        "mss_clamp", RPC_STRING, false, 0, 0                                \
    }

int
verbs_vif_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter add[] = {
        { "name", RPC_STRING, true, 0, VIF_NAME_MAX - 1 },
        { "vpn", RPC_STRING, true, 0, VPN_NAME_MAX },
        { "port", RPC_STRING, true, 0, PORT_SPEC_MAX - 1 },
        { "mac", RPC_STRING, true, 0, 0 },
        { "addresses", RPC_STRINGS, false, 0, 0 },
        { "prefixes", RPC_STRINGS, false, 0, 0 },
        { "vlan", RPC_INTEGER, false, 1, VLAN_ID_MAX },
        { "gateway", RPC_STRING, false, 0, 0 },
        { "gateway6", RPC_STRING, false, 0, 0 },
        { "router_advertisement", RPC_BOOLEAN, false, 0, 0 },
        { "mtu", RPC_INTEGER, false, VIF_MTU_MIN, VIF_MTU_MAX },
        RATES_AND_MSS,
        { "label", RPC_INTEGER, false, LABEL_MIN, LABEL_MAX },
        { "dns", RPC_STRINGS, false, 0, 0 },
        { "dhcp", RPC_BOOLEAN, false, 0, 0 },
        { "up", RPC_BOOLEAN, false, 0, 0 },
        { "lease_seconds", RPC_INTEGER, false, 60, UINT32_MAX },
        { "local_preference", RPC_INTEGER, false, 0, UINT32_MAX },
        { "sequence_number", RPC_INTEGER, false, 0, UINT32_MAX },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter set[] = {
        { "name", RPC_STRING, true, 0, VIF_NAME_MAX - 1 },
        RATES_AND_MSS,
        { "up", RPC_BOOLEAN, false, 0, 0 },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter del[] = {
        { "name", RPC_STRING, true, 0, VIF_NAME_MAX - 1 },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter page[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "vif.add", add, vif_add_verb },
        { "vif.set", set, vif_set_verb },
        { "vif.del", del, vif_del_verb },
        { "vif.list", page, vif_list_verb },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
