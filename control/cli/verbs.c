/* SPDX-License-Identifier: BSD-3-Clause */

/* The table of verbs: what each asks the daemon, and how the answer looks to a person. */

#include "control/cli/verbs.h"

#include <stddef.h>
#include <string.h>

#define TEXT(title, key)              \
    {                                 \
        title, key, format_any, false \
    }
#define NUMBER(title, key)           \
    {                                \
        title, key, format_any, true \
    }
#define AGE(title, key)              \
    {                                \
        title, key, format_age, true \
    }
#define END                     \
    {                           \
        NULL, NULL, NULL, false \
    }

static const struct cli_column vif_columns[] = {
    TEXT("NAME", "name"),
    TEXT("VPN", "vpn"),
    TEXT("PORT", "port"),
    TEXT("VLAN", "vlan"),
    TEXT("MAC", "mac"),
    TEXT("ADDRESSES", "addresses"),
    NUMBER("MTU", "mtu"),
    NUMBER("LABEL", "label"),
    TEXT("STATE", "state"),
    NUMBER("RX PACKETS", "rx_packets"),
    NUMBER("TX PACKETS", "tx_packets"),
    NUMBER("DROPS", "drops"),
    TEXT("FAILURE", "failure"),
    END,
};

/* Of both daemons: millrace knows instances and labels, millrace-rs route targets. */
static const struct cli_column vrf_columns[] = {
    TEXT("NAME", "name"),
    NUMBER("INSTANCE", "instance_id"),
    NUMBER("VIFS", "vifs"),
    NUMBER("LABEL", "label"),
    TEXT("MODE", "label_mode"),
    NUMBER("UPSTREAM", "upstream"),
    NUMBER("DOWNSTREAM", "downstream"),
    TEXT("EXPORT", "export"),
    TEXT("IMPORT", "import"),
    TEXT("AUTOMATIC", "automatic"),
    NUMBER("SUBSCRIBERS", "subscribers"),
    NUMBER("PUBLISHED", "published"),
    NUMBER("ROUTES", "routes"),
    END,
};

static const struct cli_column route_columns[] = {
    TEXT("PREFIX", "prefix"),
    TEXT("FROM", "from"),
    TEXT("VIA", "via"),
    { "NEXT HOPS", "next_hops", format_next_hops, false },
    NUMBER("LABEL", "label"),
    TEXT("ENCAP", "encapsulation"),
    TEXT("SERVER", "server"),
    TEXT("CLIENT", "client"),
    TEXT("ORIGIN", "origin"),
    TEXT("RD", "rd"),
    NUMBER("PREF", "local_preference"),
    NUMBER("SEQUENCE", "sequence_number"),
    TEXT("STALE", "stale"),
    TEXT("WHY", "why"),
    AGE("AGE", "age_s"),
    END,
};

static const struct cli_column path_columns[] = {
    TEXT("CHOSEN", "chosen"),
    TEXT("FROM", "from"),
    TEXT("SERVER", "server"),
    TEXT("CLIENT", "client"),
    TEXT("ORIGIN", "origin"),
    { "NEXT HOPS", "next_hops", format_next_hops, false },
    TEXT("VIF", "vif"),
    NUMBER("LABEL", "label"),
    NUMBER("PREF", "local_preference"),
    NUMBER("SEQUENCE", "sequence_number"),
    TEXT("STALE", "stale"),
    AGE("AGE", "age_s"),
    TEXT("WHY", "why"),
    END,
};

static const struct cli_detail route_paths = { "paths", path_columns };

static const struct cli_column endpoint_columns[] = {
    TEXT("ADDRESS", "address"),
    TEXT("ENCAP", "encapsulation"),
    TEXT("ADJACENCY", "adjacency"),
    TEXT("UP", "up"),
    NUMBER("MTU", "mtu"),
    NUMBER("ROUTES", "routes"),
    NUMBER("TX PACKETS", "tx_packets"),
    NUMBER("TX OCTETS", "tx_octets"),
    END,
};

static const struct cli_column label_columns[] = {
    NUMBER("LABEL", "label"),
    TEXT("KIND", "kind"),
    TEXT("TARGET", "target"),
    END,
};

static const struct cli_column server_columns[] = {
    TEXT("NAME", "name"),
    TEXT("ADDRESS", "address"),
    TEXT("STATE", "state"),
    TEXT("DIALECT", "dialect"),
    TEXT("TLS", "tls"),
    TEXT("IN SYNC", "in_sync"),
    NUMBER("ROUTES", "routes"),
    NUMBER("CHOSEN", "chosen"),
    NUMBER("STALE", "stale"),
    AGE("AGE", "age_s"),
    TEXT("LAST ERROR", "last_error"),
    END,
};

static const struct cli_column neighbour_columns[] = {
    TEXT("ADDRESS", "address"), TEXT("MAC", "mac"),     TEXT("STATE", "state"),
    AGE("AGE", "age_s"),        NUMBER("HELD", "held"), END,
};

static const struct cli_column drop_columns[] = {
    TEXT("REASON", "reason"),
    NUMBER("PACKETS", "packets"),
    TEXT("MEANING", "text"),
    END,
};

static const struct cli_column worker_columns[] = {
    NUMBER("ID", "id"),
    NUMBER("CPU", "cpu"),
    { "RECEIVES", "receives", format_queues, false },
    { "SENDS", "sends", format_queues, false },
    NUMBER("PACKETS", "packets"),
    NUMBER("BURSTS", "bursts"),
    NUMBER("HANDED OVER", "handed_over"),
    NUMBER("TAKEN OVER", "taken_over"),
    { "IDLE", "idle_percent", format_percent, true },
    END,
};

static const struct cli_column session_columns[] = {
    TEXT("JID", "jid"),
    TEXT("ADDRESS", "address"),
    TEXT("STATE", "state"),
    NUMBER("SUBSCRIPTIONS", "subscriptions"),
    NUMBER("ROUTES", "routes"),
    NUMBER("QUEUED", "queued_octets"),
    AGE("AGE", "age_s"),
    AGE("PURGE IN", "purge_s"),
    END,
};

#define POSITION(name, parameter, type)           \
    {                                             \
        name, parameter, CLI_POSITION, type, NULL \
    }
#define KEY(name, parameter, type, values)     \
    {                                          \
        name, parameter, CLI_KEY, type, values \
    }
#define OPTION(name, parameter, type, values)     \
    {                                             \
        name, parameter, CLI_OPTION, type, values \
    }
#define OTHER(name, parameter, form, type) \
    {                                      \
        name, parameter, form, type, NULL  \
    }
#define END_ARGUMENTS OTHER(NULL, NULL, CLI_POSITION, CLI_STRING)

/* What may be changed later, too. */
#define RATES_AND_MSS                                                     \
    KEY("rate-in", "rate_in", CLI_BIT_RATE, "BITRATE"),                   \
        KEY("rate-out", "rate_out", CLI_BIT_RATE, "BITRATE"),             \
        KEY("packet-rate-in", "packet_rate_in", CLI_INTEGER, "NUMBER"),   \
        KEY("packet-rate-out", "packet_rate_out", CLI_INTEGER, "NUMBER"), \
        KEY("mss-clamp", "mss_clamp", CLI_STRING, "auto|off|OCTETS"),     \
        KEY("up", "up", CLI_BOOLEAN, "true|false")

static const struct cli_argument vif_add_arguments[] = {
    POSITION("NAME", "name", CLI_STRING),
    KEY("vpn", "vpn", CLI_STRING, "VPN"),
    KEY("port", "port", CLI_STRING, "PORT"),
    KEY("vlan", "vlan", CLI_INTEGER, "TAG"),
    KEY("mac", "mac", CLI_STRING, "MAC"),
    KEY("address", "addresses", CLI_STRINGS, "ADDRESS"),
    KEY("prefix", "prefixes", CLI_STRINGS, "PREFIX"),
    KEY("gateway", "gateway", CLI_STRING, "ADDRESS"),
    KEY("gateway6", "gateway6", CLI_STRING, "ADDRESS"),
    KEY("mtu", "mtu", CLI_INTEGER, "OCTETS"),
    RATES_AND_MSS,
    KEY("label", "label", CLI_INTEGER, "NUMBER"),
    KEY("dns", "dns", CLI_STRINGS, "ADDRESS"),
    KEY("dhcp", "dhcp", CLI_BOOLEAN, "true|false"),
    KEY("router-advertisement", "router_advertisement", CLI_BOOLEAN, "true|false"),
    KEY("lease-seconds", "lease_seconds", CLI_INTEGER, "SECONDS"),
    KEY("local-preference", "local_preference", CLI_INTEGER, "NUMBER"),
    KEY("sequence-number", "sequence_number", CLI_INTEGER, "NUMBER"),
    END_ARGUMENTS,
};

static const struct cli_argument vif_set_arguments[] = {
    POSITION("NAME", "name", CLI_STRING),
    RATES_AND_MSS,
    END_ARGUMENTS,
};

static const struct cli_argument name_argument[] = {
    POSITION("NAME", "name", CLI_STRING),
    END_ARGUMENTS,
};

static const struct cli_argument move_arguments[] = {
    POSITION("PORT", "port", CLI_STRING),
    POSITION("QUEUE", "queue", CLI_INTEGER),
    POSITION("WORKER", "worker", CLI_INTEGER),
    END_ARGUMENTS,
};

static const struct cli_argument route_arguments[] = {
    POSITION("VRF", "vrf", CLI_STRING),
    OTHER("PREFIX", "prefix", CLI_OPTIONAL, CLI_STRING),
    END_ARGUMENTS,
};

static const struct cli_argument counters_arguments[] = {
    OTHER("KIND", "of", CLI_OPTIONAL, CLI_STRING),
    END_ARGUMENTS,
};

static const struct cli_argument level_argument[] = {
    POSITION("error|warning|info|debug", "level", CLI_STRING),
    END_ARGUMENTS,
};

static const struct cli_argument stop_arguments[] = {
    OTHER("drain", "drain", CLI_FLAG, CLI_BOOLEAN),
    END_ARGUMENTS,
};

static const struct cli_argument explain_arguments[] = {
    POSITION("VIF|VRF|underlay", "at", CLI_STRING),
    OPTION("-n", CLI_LOCAL "number", CLI_INTEGER, "NUMBER"),
    POSITION("PACKET", "packet", CLI_STRING),
    OTHER("WORD", "packet", CLI_REST, CLI_STRING),
    END_ARGUMENTS,
};

static const struct cli_argument trace_arguments[] = {
    OTHER("VIF|ENDPOINT|underlay|all", "at", CLI_OPTIONAL, CLI_STRING),
    OPTION("--side", "side", CLI_STRING, "inner|outer"),
    OPTION("-c", CLI_LOCAL "count", CLI_INTEGER, "COUNT"),
    OTHER("FILTER", "filter", CLI_REST, CLI_STRING),
    END_ARGUMENTS,
};

static const struct cli_argument capture_arguments[] = {
    POSITION("VIF|ENDPOINT|underlay", "at", CLI_STRING),
    OPTION("--side", "side", CLI_STRING, "inner|outer"),
    OPTION("-w", CLI_LOCAL "file", CLI_STRING, "FILE"),
    OPTION("-c", CLI_LOCAL "count", CLI_INTEGER, "COUNT"),
    OPTION("--snaplen", "snaplen", CLI_INTEGER, "OCTETS"),
    OTHER("FILTER", "filter", CLI_REST, CLI_STRING),
    END_ARGUMENTS,
};

const struct cli_verb cli_verbs[] = {
    { .noun = "vif",
      .verb = "list",
      .method = "vif.list",
      .list = "vifs",
      .columns = vif_columns,
      .help = "virtual interfaces with their traffic" },
    { .noun = "vif",
      .verb = "add",
      .method = "vif.add",
      .columns = vif_columns,
      .arguments = vif_add_arguments,
      .help = "add an interface; it is kept across restarts" },
    { .noun = "vif",
      .verb = "set",
      .method = "vif.set",
      .columns = vif_columns,
      .arguments = vif_set_arguments,
      .help = "change an interface's rates, segment size or state" },
    { .noun = "vif",
      .verb = "del",
      .method = "vif.del",
      .arguments = name_argument,
      .help = "delete an interface: its routes are retracted first" },
    { .noun = "vrf",
      .verb = "list",
      .method = "vrf.list",
      .list = "vrfs",
      .columns = vrf_columns,
      .help = "VPNs and how many routes each has" },
    { .noun = "route",
      .verb = "list",
      .method = "route.list",
      .arguments = route_arguments,
      .list = "routes",
      .columns = route_columns,
      .detail = &route_paths,
      .help = "a VRF's routes and why each was chosen; --paths: every path" },
    { .noun = "endpoint",
      .verb = "list",
      .method = "endpoint.list",
      .list = "endpoints",
      .columns = endpoint_columns,
      .help = "tunnel endpoints" },
    { .noun = "label",
      .verb = "list",
      .method = "label.list",
      .list = "labels",
      .columns = label_columns,
      .help = "labels given out, and what each leads to" },
    { .noun = "server",
      .verb = "list",
      .method = "server.list",
      .list = "servers",
      .columns = server_columns,
      .help = "route servers and the state of each session" },
    { .noun = "neighbour",
      .verb = "list",
      .method = "neighbour.list",
      .list = "neighbours",
      .columns = neighbour_columns,
      .help = "underlay neighbours" },
    { .noun = "session",
      .verb = "list",
      .method = "session.list",
      .list = "sessions",
      .columns = session_columns,
      .help = "millrace-rs: clients and what each published" },
    { .noun = "counters",
      .verb = "get",
      .method = "counters.get",
      .arguments = counters_arguments,
      .list = "counters",
      .group = "of",
      .help = "counters of a kind (vif, vrf, endpoint, port, ...) or of all" },
    { .noun = "drops",
      .verb = "get",
      .method = "drops.get",
      .list = "drops",
      .columns = drop_columns,
      .non_zero = "packets",
      .help = "dropped packets by reason; --all: also reasons without any" },
    { .noun = "worker",
      .verb = "list",
      .method = "worker.list",
      .list = "workers",
      .columns = worker_columns,
      .help = "worker threads, their queues and load" },
    { .noun = "worker",
      .verb = "move",
      .method = "worker.move",
      .arguments = move_arguments,
      .help = "have another worker poll a receive queue" },
    { .noun = "explain",
      .verb = "route.explain",
      .method = "route.explain",
      .arguments = explain_arguments,
      .perform = cli_explain,
      .help = "what every stage would do with a packet: words, hexadecimal, or a file" },
    { .noun = "trace",
      .verb = "trace.start",
      .method = "trace.start",
      .arguments = trace_arguments,
      .perform = cli_trace,
      .help = "what every stage does with live packets" },
    { .noun = "capture",
      .verb = "capture.start",
      .method = "capture.start",
      .arguments = capture_arguments,
      .perform = cli_capture,
      .help = "live packets of either side of the tunnels, as text or pcapng (-w FILE or -)" },
    { .noun = "config",
      .verb = "get",
      .method = "config.get",
      .help = "the configuration in force" },
    { .noun = "certificates",
      .verb = "load",
      .method = "certificates.load",
      .help = "read the certificate files anew, for sessions that begin from now on" },
    { .noun = "log",
      .verb = "level",
      .method = "log.level",
      .arguments = level_argument,
      .help = "say how much is logged: error, warning, info, debug" },
    { .noun = "stop",
      .verb = "now",
      .method = "stop",
      .arguments = stop_arguments,
      .help = "stop the daemon; --drain: retract its routes first" },
    { .noun = NULL },
};

const struct cli_verb *
cli_find_verb(const char *const *words, size_t *used)
{
    const struct cli_verb *implied = NULL;
    unsigned of_noun = 0;

    for (const struct cli_verb *verb = cli_verbs; words[0] != NULL && verb->noun != NULL; verb++) {
        if (strcmp(verb->noun, words[0]) != 0)
            continue;
        if (words[1] != NULL && strcmp(verb->verb, words[1]) == 0) {
            *used = 2;
            return verb;
        }
        if (of_noun++ == 0 || strcmp(verb->verb, "list") == 0)
            implied = verb;
    }
    *used = 1;
    return of_noun == 1 || words[0] == NULL || words[1] == NULL ? implied : NULL;
}
