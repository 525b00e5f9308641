/* SPDX-License-Identifier: BSD-3-Clause */

/* What a value of the configuration may be, and what is said of one that may not. */

#include "control/routeserver/config_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/target.h"
#include "lib/base/text.h"
#include "lib/xmpp/jid.h"

#define XMPP_PORT 5222
#define DAY_S     86400
#define MODE_MAX  0777

static int
wrong(cfg_t *cfg, const char *key, const char *expected)
{
    cfg_error(cfg, "%s: expected %s", key, expected);
    return -1;
}

/* The value that was read last. */
static const char *
last_text(cfg_opt_t *opt)
{
    const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

    return text == NULL ? "" : text;
}

int
rs_parse_listen(const char *text, struct rs_listen *listen)
{
    listen->port = XMPP_PORT;
    return ip_addr_port_parse(text, &listen->addr, &listen->port);
}

int
rs_parse_mode(const char *text, mode_t *mode)
{
    char *end;
    unsigned long value;

    if (text[0] < '0' || text[0] > '7')
        return -EINVAL;
    value = strtoul(text, &end, 8);
    if (*end != '\0' || value > MODE_MAX)
        return -EINVAL;
    *mode = (mode_t)value;
    return 0;
}

static int
check_listen(cfg_t *cfg, cfg_opt_t *opt)
{
    struct rs_listen listen;

    if (cfg_opt_size(opt) > RS_LISTEN_MAX)
        return wrong(cfg, "listen", "at most 16 addresses");
    if (rs_parse_listen(last_text(opt), &listen) != 0)
        return wrong(cfg, "listen", "an address, or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)");
    return 0;
}

static int
check_jid(cfg_t *cfg, cfg_opt_t *opt)
{
    struct jid jid;

    if (jid_parse(last_text(opt), &jid) != 0 || jid.local[0] == '\0' || jid.resource[0] != '\0')
        return wrong(cfg, "jid", "an XMPP address as NAME@DOMAIN");
    return 0;
}

static int
check_tls(cfg_t *cfg, cfg_opt_t *opt)
{
    if (strcmp(last_text(opt), "required") != 0 && strcmp(last_text(opt), "none") != 0)
        return wrong(cfg, "tls", "required or none");
    return 0;
}

static int
check_client_certificates(cfg_t *cfg, cfg_opt_t *opt)
{
    if (strcmp(last_text(opt), "required") != 0 && strcmp(last_text(opt), "optional") != 0)
        return wrong(cfg, "client-certificates", "required or optional");
    return 0;
}

static int
check_file(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *path = last_text(opt);

    if (path[0] != '/' || strlen(path) >= RS_FILE_MAX)
        return wrong(cfg, opt->name, "an absolute path");
    return 0;
}

static int
check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
    mode_t mode;

    if (rs_parse_mode(last_text(opt), &mode) != 0)
        return wrong(cfg, opt->name, "an octal mode such as \"0660\"");
    return 0;
}

static int
check_path(cfg_t *cfg, cfg_opt_t *opt)
{
    size_t length = strlen(last_text(opt));

    if (length == 0 || length >= RS_PATH_MAX || last_text(opt)[0] != '/')
        return wrong(cfg, opt->name, "an absolute path of at most 107 octets");
    return 0;
}

static int
check_group(cfg_t *cfg, cfg_opt_t *opt)
{
    if (!text_is_ascii_name(last_text(opt), RS_GROUP_MAX - 1))
        return wrong(cfg, opt->name, "the name of a group");
    return 0;
}

static int
check_targets(cfg_t *cfg, cfg_opt_t *opt)
{
    uint64_t target;

    if (cfg_opt_size(opt) > RS_TARGETS_MAX)
        return wrong(cfg, opt->name, "at most 64 route targets");
    if (route_target_parse(last_text(opt), &target) != 0)
        return wrong(cfg, opt->name,
                     "a route target as AS:NUMBER or ADDRESS:NUMBER, such as \"64512:1\"");
    return 0;
}

static int
check_vpn(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *vpn = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

    if (!text_is_ascii_name(cfg_title(vpn), RIB_VPN_NAME_MAX - 1))
        return wrong(cfg, "vpn", "a VPN identifier of 1 to 128 ASCII characters without blanks");
    return 0;
}

static const struct range {
    const char *key;
    long min, max;
} ranges[] = {
    { "purge-time", 0, DAY_S },
    { "deferral-time", 0, DAY_S },
    { "sessions", 1, 100000 },
    { "vpns", 1, 1000000 },
    { "subscriptions-per-client", 1, 1000000 },
    { "routes-per-client", 1, 10000000 },
    { "routes", 1, 10000000 },
};

static int
check_integer(cfg_t *cfg, cfg_opt_t *opt)
{
    long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);
    char expected[96];

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (strcmp(ranges[i].key, opt->name) != 0)
            continue;
        if (value >= ranges[i].min && value <= ranges[i].max)
            return 0;
        snprintf(expected, sizeof(expected), "a number from %ld to %ld", ranges[i].min,
                 ranges[i].max);
        return wrong(cfg, opt->name, expected);
    }
    return 0;
}

void
rs_config_check_values(cfg_t *cfg)
{
    cfg_set_validate_func(cfg, "listen", check_listen);
    cfg_set_validate_func(cfg, "jid", check_jid);
    cfg_set_validate_func(cfg, "tls", check_tls);
    cfg_set_validate_func(cfg, "client-certificates", check_client_certificates);
    cfg_set_validate_func(cfg, "certificates|trust", check_file);
    cfg_set_validate_func(cfg, "certificates|certificate", check_file);
    cfg_set_validate_func(cfg, "certificates|key", check_file);
    cfg_set_validate_func(cfg, "purge-time", check_integer);
    cfg_set_validate_func(cfg, "deferral-time", check_integer);
    cfg_set_validate_func(cfg, "control-socket|path", check_path);
    cfg_set_validate_func(cfg, "control-socket|mode", check_mode);
    cfg_set_validate_func(cfg, "control-socket|group", check_group);
    cfg_set_validate_func(cfg, "limits|sessions", check_integer);
    cfg_set_validate_func(cfg, "limits|vpns", check_integer);
    cfg_set_validate_func(cfg, "limits|subscriptions-per-client", check_integer);
    cfg_set_validate_func(cfg, "limits|routes-per-client", check_integer);
    cfg_set_validate_func(cfg, "limits|routes", check_integer);
    cfg_set_validate_func(cfg, "vpn", check_vpn);
    cfg_set_validate_func(cfg, "vpn|export", check_targets);
    cfg_set_validate_func(cfg, "vpn|import", check_targets);
}
