/* SPDX-License-Identifier: BSD-3-Clause */

/* vrf.list and label.list: the VPNs of this host, and which label means what. */

#include "control/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/rib.h"
#include "control/routing.h"
#include "lib/base/text.h"
#include "lib/rpc/server.h"

static json_t *
describe_vrf(struct control *control, const struct vrf *vrf, unsigned local)
{
    const struct rib_vpn *vpn = rib_vpn_find(routing_rib(control->routing), vrf->name);
    char gateway[IP_ADDR_TEXT_MAX], gateway6[IP_ADDR_TEXT_MAX];
    uint32_t routes = vpn == NULL ? 0 : rib_vpn_prefixes(vpn);
    unsigned standing = vrf->n_gateways + (vrf->config == NULL ? 0 : vrf->config->n_routes);

    json_t *member = json_pack(
        "{s:s, s:i, s:i, s:I, s:o, s:s, s:s, s:s, s:I, s:i}", "name", vrf->name, "instance_id",
        vrf->config == NULL ? 0 : (int)vrf->config->instance_id, "vifs", (int)vrf->n_vifs, "routes",
        (json_int_t)routes, "label", json_null(), "label_mode", label_mode_name(vrf->label_mode),
        "gateway", ip_addr_format(&vrf->gateway, gateway), "gateway6",
        ip_addr_format(&vrf->gateway6, gateway6), "upstream", (json_int_t)routes + standing,
        "downstream", (int)local);
    if (vrf->label != 0)
        json_object_set_new(member, "label", json_integer(vrf->label));
    return member;
}

/* The local addresses and prefixes of each VRF, by its number. The caller frees. */
static unsigned *
count_local(struct control *control)
{
    unsigned *counts = calloc(control->tables->limits.vrfs, sizeof(*counts));
    const struct interface *interface = interface_after(control->interfaces, "");

    for (; counts != NULL && interface != NULL;
         interface = interface_after(control->interfaces, interface->config.name)) {
        if (interface->id != VIF_NONE)
            counts[interface->vrf->number] +=
                interface->config.n_addresses + interface->config.n_prefixes;
    }
    return counts;
}

static void
vrf_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *cursor = rpc_page_after(params);
    size_t limit = rpc_page_limit(params);
    const struct vrf *vrf = vrf_after(control->vrfs, cursor == NULL ? "" : cursor);
    const char *last = NULL;
    unsigned *local = count_local(control);

    if (local == NULL) {
        rpc_fail(request, RPC_INTERNAL, NULL, "out of memory");
        return;
    }
    json_t *list = json_array();
    for (; vrf != NULL && json_array_size(list) < limit; vrf = vrf_after(control->vrfs, last)) {
        json_array_append_new(list, describe_vrf(control, vrf, local[vrf->number]));
        last = vrf->name;
    }
    free(local);
    rpc_reply(request, rpc_page_result("vrfs", list, vrf == NULL ? NULL : last));
}

/* A page of labels in the making. */
struct label_page {
    struct control *control;
    json_t *list;
    size_t limit;
    uint32_t last;
    bool more;
};

static bool
show_label(void *context, uint32_t label, const char *owner)
{
    struct label_page *page = context;
    const char *colon = strchr(owner, ':');
    const char *target = colon == NULL ? owner : colon + 1, *kind = "interface";

    if (json_array_size(page->list) == page->limit) {
        page->more = true;
        return false;
    }
    if (strncmp(owner, "vpn:", 4) == 0) {
        const struct vrf *vrf = vrf_find(page->control->vrfs, target);
        kind = label_mode_name(vrf == NULL ? LABEL_MODE_VRF : vrf->label_mode);
    }
    json_array_append_new(page->list, json_pack("{s:I, s:s, s:s}", "label", (json_int_t)label,
                                                "kind", kind, "target", target));
    page->last = label;
    return true;
}

static void
label_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *cursor = rpc_page_after(params);
    struct label_page page = { .control = control, .limit = rpc_page_limit(params) };
    uint32_t after = 0;
    char next[16];

    if (cursor != NULL && text_parse_u32(cursor, LABEL_MAX, &after) != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "after", "not a cursor of this list");
        return;
    }
    page.list = json_array();
    labels_visit(control->labels, after + 1, show_label, &page);
    snprintf(next, sizeof(next), "%u", page.last);
    rpc_reply(request, rpc_page_result("labels", page.list, page.more ? next : NULL));
}

int
verbs_vrf_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter page[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "vrf.list", page, vrf_list },
        { "label.list", page, label_list },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
