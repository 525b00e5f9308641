/* SPDX-License-Identifier: BSD-3-Clause */

/* config.get, log.level (lib/rpc has it), stop: the daemon itself. */

#include "control/verbs.h"

#include "control/control.h"
#include "lib/rpc/common.h"

/* Our addresses with the lengths of their subnets, the one that is announced first. */
static json_t *
describe_addresses(const struct underlay_config *underlay)
{
    const struct ip_prefix both[] = {
        { underlay->settings.v4, underlay->v4.prefix_length },
        { underlay->settings.v6, underlay->v6.prefix_length },
    };
    const unsigned first = underlay->next_hop.family == IP_V6;
    char text[IP_PREFIX_TEXT_MAX];
    json_t *addresses = json_array();

    for (unsigned i = 0; i < 2; i++) {
        const struct ip_prefix *address = &both[i ^ first];
        if (address->addr.family != IP_NONE)
            json_array_append_new(addresses, json_string(ip_prefix_format(address, text)));
    }
    return addresses;
}

static json_t *
describe_underlay(const struct underlay_config *underlay)
{
    const struct underlay *settings = &underlay->settings;
    char gateway[IP_ADDR_TEXT_MAX], gateway6[IP_ADDR_TEXT_MAX], text[IP_PREFIX_TEXT_MAX];
    json_t *sources = json_array();

    for (unsigned i = 0; i < underlay->n_allowed_sources; i++)
        json_array_append_new(sources,
                              json_string(ip_prefix_format(&underlay->allowed_sources[i], text)));
    return json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:i, s:i, s:s, s:i, s:b, s:o, s:b, s:s}", "name", underlay->name,
        "port", underlay->port, "addresses", describe_addresses(underlay), "gateway",
        ip_addr_format(&underlay->v4.gateway, gateway), "gateway6",
        ip_addr_format(&underlay->v6.gateway, gateway6), "vlan", (int)settings->vlan, "mtu",
        (int)settings->mtu, "dscp", settings->dscp_model == DSCP_UNIFORM ? "uniform" : "pipe",
        "dscp_value", (int)settings->dscp, "check_sources", settings->check_sources,
        "allowed_sources", sources, "check_reverse_path", settings->check_reverse_path,
        "host_interface", underlay->host_interface);
}

static json_t *
describe_servers(const struct config *config)
{
    json_t *servers = json_array();

    for (unsigned i = 0; i < config->n_servers; i++) {
        const struct route_server_config *server = &config->servers[i];
        char address[IP_ADDR_TEXT_MAX];
        json_array_append_new(servers,
                              json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "name", server->name,
                                        "address", ip_addr_format(&server->address, address),
                                        "port", (int)server->tcp_port, "jid", server->jid,
                                        "dialect", "draft", "tls", "none"));
    }
    return servers;
}

static json_t *
describe_vpns(const struct config *config)
{
    json_t *vpns = json_array();

    for (unsigned i = 0; i < config->n_vpns; i++) {
        const struct vpn_config *vpn = &config->vpns[i];
        json_array_append_new(vpns, json_pack("{s:s, s:i, s:s, s:i}", "name", vpn->name,
                                              "instance_id", (int)vpn->instance_id, "label_mode",
                                              label_mode_name(vpn->label_mode), "static_routes",
                                              (int)vpn->n_routes));
    }
    return vpns;
}

static json_t *
describe_limits(const struct table_limits *limits)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "vifs", (json_int_t)limits->vifs,
                     "vrfs", (json_int_t)limits->vrfs, "routes", (json_int_t)limits->routes,
                     "fib_nodes", (json_int_t)limits->fib_nodes, "endpoints",
                     (json_int_t)limits->endpoints, "ecmp_sets", (json_int_t)limits->ecmp_sets,
                     "neighbours", (json_int_t)limits->neighbours);
}

static void
config_get(struct rpc_request *request, const json_t *params, void *context)
{
    const struct control *control = context;
    const struct config *config = control->config;
    json_t *encapsulations = json_array();

    (void)params;
    for (unsigned i = 0; i < config->n_encapsulations; i++)
        json_array_append_new(encapsulations,
                              json_string(encapsulation_name(config->encapsulations[i])));
    rpc_reply(request,
              json_pack("{s:s, s:s, s:i, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:I, s:s, s:s, s:o}",
                        "version", MILLRACE_VERSION, "host_name", config->host_name, "workers",
                        (int)config->n_workers, "poll", config->poll, "hugepages",
                        control->eal.hugepages, "simd", simd_level_name(simd_level()), "underlay",
                        describe_underlay(&config->underlay), "servers", describe_servers(config),
                        "encapsulations", encapsulations, "vpns", describe_vpns(config),
                        "stale_seconds", (json_int_t)config->stale_seconds, "state_directory",
                        config->state_directory, "control_socket", config->control_socket, "limits",
                        describe_limits(&config->limits)));
}

static void
stop(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;

    rpc_reply(request, json_object());
    control->stop(control, rpc_boolean(params, "drain", false));
}

int
verbs_daemon_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter drain[] = {
        { "drain", RPC_BOOLEAN, false, 0, 0 },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "config.get", NULL, config_get },
        { "stop", drain, stop },
    };

    int error = rpc_server_add(server, &rpc_log_level, 1, NULL);
    return error != 0 ? error
                      : rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
