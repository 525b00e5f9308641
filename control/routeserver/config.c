/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reads the configuration file. libconfuse knows the grammar; each value is checked when it is
 * read, so that a message can name the line, and the whole once more at the end.
 */

#include "control/routeserver/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "control/routeserver/target.h"
#include "lib/base/file.h"
#include "lib/base/text.h"
#include "lib/xmpp/jid.h"

#define XMPP_PORT 5222
#define DAY_S     86400
#define MODE_MAX  0777
#define FILE_MAX  (64u << 20)

/* libconfuse takes the end of the file for the end of every open section and comment. So this is
 * read last: in an open section it is an unknown key, in an open comment it is missing. */
#define END_KEY  "end-of-file"
#define END_TEXT "\n" END_KEY " = true\n"

/* Which file is read at the moment, and where its first error goes: libconfuse's callbacks have no
 * context. One thread reads configurations. */
static const char *file_name;
static char *error_text;

__attribute__((format(printf, 2, 0))) static void
keep_error(cfg_t *cfg, const char *format, va_list arguments)
{
    char text[RS_CONFIG_ERROR_MAX / 2];

    if (error_text == NULL || error_text[0] != '\0')
        return;
    if (strncmp(format, "no such option", strlen("no such option")) == 0) {
        const char *key = va_arg(arguments, const char *);
        if (strcmp(key, END_KEY) == 0)
            snprintf(text, sizeof(text), "the file ends in the middle of a section");
        else
            snprintf(text, sizeof(text), "%.100s: unknown key", key);
    } else {
        vsnprintf(text, sizeof(text), format, arguments);
    }
    snprintf(error_text, RS_CONFIG_ERROR_MAX, "%s:%d: %s", file_name, cfg == NULL ? 0 : cfg->line,
             text);
}

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

/* ADDRESS or ADDRESS:PORT, IPv4; IPv6 comes with the IPv6 underlay. */
static int
parse_listen(const char *text, struct rs_listen *listen)
{
    char addr[IP_ADDR_TEXT_MAX];
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    uint32_t port = XMPP_PORT;

    if (length >= sizeof(addr) ||
        (colon != NULL && text_parse_u32(colon + 1, UINT16_MAX, &port) != 0) || port == 0)
        return -EINVAL;
    memcpy(addr, text, length);
    addr[length] = '\0';
    if (ip_addr_parse(addr, &listen->addr) != 0 || listen->addr.family != IP_V4)
        return -EINVAL;
    listen->port = (uint16_t)port;
    return 0;
}

static int
parse_mode(const char *text, mode_t *mode)
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
    if (parse_listen(last_text(opt), &listen) != 0)
        return wrong(cfg, "listen", "an IPv4 address, or ADDRESS:PORT");
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
    if (strcmp(last_text(opt), "none") != 0)
        return wrong(cfg, "tls", "\"none\": this version speaks XMPP without TLS only");
    return 0;
}

static int
check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
    mode_t mode;

    if (parse_mode(last_text(opt), &mode) != 0)
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

static cfg_t *
new_parser(void)
{
    static cfg_opt_t limit_options[] = {
        CFG_INT("sessions", 2048, CFGF_NONE),
        CFG_INT("vpns", 10000, CFGF_NONE),
        CFG_INT("subscriptions-per-client", 4096, CFGF_NONE),
        CFG_INT("routes-per-client", 100000, CFGF_NONE),
        CFG_INT("routes", 2000000, CFGF_NONE),
        CFG_END(),
    };
    static cfg_opt_t vpn_options[] = {
        CFG_STR_LIST("export", NULL, CFGF_NONE),
        CFG_STR_LIST("import", NULL, CFGF_NONE),
        CFG_END(),
    };
    static cfg_opt_t options[] = {
        CFG_STR_LIST("listen", NULL, CFGF_NONE),
        CFG_STR("jid", JID_ROUTE_SERVER_DEFAULT, CFGF_NONE),
        CFG_STR("tls", NULL, CFGF_NODEFAULT),
        CFG_INT("purge-time", 60, CFGF_NONE),
        CFG_INT("deferral-time", 60, CFGF_NONE),
        CFG_BOOL("auto-vpn", cfg_true, CFGF_NONE),
        CFG_STR("control-socket", "/run/millrace/millrace-rs.sock", CFGF_NONE),
        CFG_STR("control-socket-mode", "0660", CFGF_NONE),
        CFG_STR("control-socket-group", NULL, CFGF_NODEFAULT),
        CFG_BOOL(END_KEY, cfg_false, CFGF_NONE),
        CFG_SEC("limits", limit_options, CFGF_NONE),
        CFG_SEC("vpn", vpn_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_END(),
    };
    cfg_t *cfg = cfg_init(options, CFGF_NONE);

    if (cfg == NULL)
        return NULL;
    cfg_set_error_function(cfg, keep_error);
    cfg_set_validate_func(cfg, "listen", check_listen);
    cfg_set_validate_func(cfg, "jid", check_jid);
    cfg_set_validate_func(cfg, "tls", check_tls);
    cfg_set_validate_func(cfg, "purge-time", check_integer);
    cfg_set_validate_func(cfg, "deferral-time", check_integer);
    cfg_set_validate_func(cfg, "control-socket", check_path);
    cfg_set_validate_func(cfg, "control-socket-mode", check_mode);
    cfg_set_validate_func(cfg, "control-socket-group", check_group);
    cfg_set_validate_func(cfg, "limits|sessions", check_integer);
    cfg_set_validate_func(cfg, "limits|vpns", check_integer);
    cfg_set_validate_func(cfg, "limits|subscriptions-per-client", check_integer);
    cfg_set_validate_func(cfg, "limits|routes-per-client", check_integer);
    cfg_set_validate_func(cfg, "limits|routes", check_integer);
    cfg_set_validate_func(cfg, "vpn", check_vpn);
    cfg_set_validate_func(cfg, "vpn|export", check_targets);
    cfg_set_validate_func(cfg, "vpn|import", check_targets);
    return cfg;
}

static void
take_vpn(cfg_t *section, struct rs_vpn *vpn)
{
    strncpy(vpn->name, cfg_title(section), sizeof(vpn->name) - 1);
    vpn->n_exports = cfg_size(section, "export");
    vpn->n_imports = cfg_size(section, "import");
    for (unsigned i = 0; i < vpn->n_exports; i++)
        route_target_parse(cfg_getnstr(section, "export", i), &vpn->exports[i]);
    for (unsigned i = 0; i < vpn->n_imports; i++)
        route_target_parse(cfg_getnstr(section, "import", i), &vpn->imports[i]);
}

static void
take_limits(cfg_t *cfg, struct rs_config *config)
{
    config->sessions_max = (uint32_t)cfg_getint(cfg, "limits|sessions");
    config->limits = RIB_LIMITS_DEFAULT;
    /* A host that went leaves routes until they are purged; its successor must find room. */
    config->limits.clients = 2 * config->sessions_max;
    config->limits.vpns = (uint32_t)cfg_getint(cfg, "limits|vpns");
    config->limits.subscriptions_per_client =
        (uint32_t)cfg_getint(cfg, "limits|subscriptions-per-client");
    config->limits.routes_per_client = (uint32_t)cfg_getint(cfg, "limits|routes-per-client");
    config->limits.routes = (uint32_t)cfg_getint(cfg, "limits|routes");
}

/* Everything has been checked where it was read. */
static int
take_values(cfg_t *cfg, struct rs_config *config)
{
    const char *group = cfg_getstr(cfg, "control-socket-group");

    config->n_listen = cfg_size(cfg, "listen");
    for (unsigned i = 0; i < config->n_listen; i++)
        parse_listen(cfg_getnstr(cfg, "listen", i), &config->listen[i]);
    strncpy(config->jid, cfg_getstr(cfg, "jid"), sizeof(config->jid) - 1);
    config->purge_seconds = (uint32_t)cfg_getint(cfg, "purge-time");
    config->deferral_seconds = (uint32_t)cfg_getint(cfg, "deferral-time");
    config->auto_vpn = cfg_getbool(cfg, "auto-vpn") == cfg_true;
    strncpy(config->control_socket, cfg_getstr(cfg, "control-socket"),
            sizeof(config->control_socket) - 1);
    strncpy(config->control_socket_group, group == NULL ? "" : group,
            sizeof(config->control_socket_group) - 1);
    parse_mode(cfg_getstr(cfg, "control-socket-mode"), &config->control_socket_mode);
    take_limits(cfg, config);

    config->n_vpns = cfg_size(cfg, "vpn");
    config->vpns = calloc(config->n_vpns == 0 ? 1 : config->n_vpns, sizeof(*config->vpns));
    if (config->vpns == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < config->n_vpns; i++)
        take_vpn(cfg_getnsec(cfg, "vpn", i), &config->vpns[i]);
    return 0;
}

/* What must be there. */
static int
check_whole(cfg_t *cfg, const char *name, char error[RS_CONFIG_ERROR_MAX])
{
    const char *missing = NULL;

    if (cfg_size(cfg, "listen") == 0)
        missing = "listen: missing: expected the addresses to listen on, such as {\"192.0.2.1\"}";
    else if (cfg_getstr(cfg, "tls") == NULL)
        missing = "tls: missing: this version speaks XMPP without TLS only, and that must be "
                  "asked for by name: tls = none";
    else if (cfg_size(cfg, "vpn") > (unsigned)cfg_getint(cfg, "limits|vpns"))
        missing = "vpn: more VPNs than limits { vpns } allows";
    if (missing == NULL)
        return 0;
    snprintf(error, RS_CONFIG_ERROR_MAX, "%s: %s", name, missing);
    return -EINVAL;
}

/* libconfuse's own: CFG_SUCCESS, or an error that keep_error() may have been told. */
static int
parse(cfg_t *cfg, const char *text, size_t length)
{
    char *whole = malloc(length + sizeof(END_TEXT));
    int status;

    if (whole == NULL)
        return CFG_FILE_ERROR;
    memcpy(whole, text, length);
    memcpy(whole + length, END_TEXT, sizeof(END_TEXT));
    status = cfg_parse_buf(cfg, whole);
    if (status == CFG_SUCCESS && cfg_getbool(cfg, END_KEY) != cfg_true) {
        cfg_error(cfg, "the file ends in the middle of a comment or a string");
        status = CFG_PARSE_ERROR;
    }
    free(whole);
    return status;
}

int
rs_config_read(const char *text, size_t length, const char *name, struct rs_config *config,
               char error[RS_CONFIG_ERROR_MAX])
{
    cfg_t *cfg = new_parser();
    int status;

    memset(config, 0, sizeof(*config));
    error[0] = '\0';
    if (cfg == NULL)
        return -ENOMEM;
    file_name = name;
    error_text = error;
    status = parse(cfg, text, length) == CFG_SUCCESS ? 0 : -EINVAL;
    error_text = NULL;
    if (status != 0 && error[0] == '\0')
        snprintf(error, RS_CONFIG_ERROR_MAX, "%s: cannot be understood", name);
    if (status == 0)
        status = check_whole(cfg, name, error);
    if (status == 0 && (status = take_values(cfg, config)) != 0) {
        snprintf(error, RS_CONFIG_ERROR_MAX, "%s: %s", name, strerror(-status));
        rs_config_free(config);
    }
    cfg_free(cfg);
    return status;
}

int
rs_config_load(const char *path, struct rs_config *config, char error[RS_CONFIG_ERROR_MAX])
{
    char *text;
    size_t length;
    int status = file_read(path, FILE_MAX, &text, &length);

    if (status != 0) {
        snprintf(error, RS_CONFIG_ERROR_MAX, "%s: %s", path, strerror(-status));
        return status;
    }
    status = rs_config_read(text, length, path, config, error);
    free(text);
    return status;
}

void
rs_config_free(struct rs_config *config)
{
    free(config->vpns);
    memset(config, 0, sizeof(*config));
}
