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

#include "control/routeserver/config_check.h"
#include "control/routeserver/target.h"
#include "lib/base/file.h"
#include "lib/xmpp/jid.h"

#define FILE_MAX (64u << 20)

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
    static cfg_opt_t certificate_options[] = {
        CFG_STR("trust", NULL, CFGF_NODEFAULT),
        CFG_STR("certificate", NULL, CFGF_NODEFAULT),
        CFG_STR("key", NULL, CFGF_NODEFAULT),
        CFG_END(),
    };
    static cfg_opt_t socket_options[] = {
        CFG_STR("path", "/run/millrace/millrace-rs.sock", CFGF_NONE),
        CFG_STR("mode", "0660", CFGF_NONE),
        CFG_STR("group", NULL, CFGF_NODEFAULT),
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
        CFG_STR("tls", "required", CFGF_NONE),
        CFG_STR("client-certificates", "required", CFGF_NONE),
        CFG_INT("purge-time", 60, CFGF_NONE),
        CFG_INT("deferral-time", 60, CFGF_NONE),
        CFG_BOOL("auto-vpn", cfg_true, CFGF_NONE),
        CFG_BOOL(END_KEY, cfg_false, CFGF_NONE),
        CFG_SEC("control-socket", socket_options, CFGF_NONE),
        CFG_SEC("limits", limit_options, CFGF_NONE),
        CFG_SEC("certificates", certificate_options, CFGF_NONE),
        CFG_SEC("vpn", vpn_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_END(),
    };
    cfg_t *cfg = cfg_init(options, CFGF_NONE);

    if (cfg == NULL)
        return NULL;
    cfg_set_error_function(cfg, keep_error);
    rs_config_check_values(cfg);
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
take_path(cfg_t *cfg, const char *key, char path[RS_FILE_MAX])
{
    const char *text = cfg_getstr(cfg, key);

    snprintf(path, RS_FILE_MAX, "%s", text == NULL ? "" : text);
}

static void
take_tls(cfg_t *cfg, struct rs_config *config)
{
    config->tls = strcmp(cfg_getstr(cfg, "tls"), "required") == 0;
    config->client_certificates = strcmp(cfg_getstr(cfg, "client-certificates"), "required") == 0;
    take_path(cfg, "certificates|trust", config->trust);
    take_path(cfg, "certificates|certificate", config->certificate);
    take_path(cfg, "certificates|key", config->key);
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
    const char *group = cfg_getstr(cfg, "control-socket|group");

    config->n_listen = cfg_size(cfg, "listen");
    for (unsigned i = 0; i < config->n_listen; i++)
        rs_parse_listen(cfg_getnstr(cfg, "listen", i), &config->listen[i]);
    strncpy(config->jid, cfg_getstr(cfg, "jid"), sizeof(config->jid) - 1);
    config->purge_seconds = (uint32_t)cfg_getint(cfg, "purge-time");
    config->deferral_seconds = (uint32_t)cfg_getint(cfg, "deferral-time");
    config->auto_vpn = cfg_getbool(cfg, "auto-vpn") == cfg_true;
    strncpy(config->control_socket, cfg_getstr(cfg, "control-socket|path"),
            sizeof(config->control_socket) - 1);
    strncpy(config->control_socket_group, group == NULL ? "" : group,
            sizeof(config->control_socket_group) - 1);
    rs_parse_mode(cfg_getstr(cfg, "control-socket|mode"), &config->control_socket_mode);
    take_tls(cfg, config);
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
    else if (strcmp(cfg_getstr(cfg, "tls"), "required") == 0 &&
             (cfg_getstr(cfg, "certificates|trust") == NULL ||
              cfg_getstr(cfg, "certificates|certificate") == NULL))
        missing = "certificates { trust, certificate }: missing: TLS is required unless tls = none "
                  "asks for plain text";
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
