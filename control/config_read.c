/* SPDX-License-Identifier: BSD-3-Clause */

/* The keys of millrace.conf: the schema, and one function for each kind of section. What concerns
 * several sections is checked at the end (control/config_check.c). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/config_check.h"
#include "control/config_file.h"
#include "control/config_sections.h"
#include "lib/base/text.h"
#include "lib/table/fib.h"
#include "lib/table/vif.h"

#define CPU_MAX           1023
#define STALE_SECONDS     300
#define STALE_SECONDS_MAX (30u * 24 * 3600)
#define PACKETS_DEFAULT   16384

#define STATE_DIRECTORY "/var/lib/millrace"
#define CONTROL_SOCKET  "/run/millrace/millrace.sock"
#define CONTROL_MODE    0660

#define VALUE(name)  CFG_STR(name, NULL, CFGF_NODEFAULT)
#define VALUES(name) CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
#define TITLED       (CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

int
config_encapsulations_read(cfg_t *section, const char *key, uint8_t *list, unsigned *n,
                           struct config_error *error)
{
    uint8_t seen = 0;

    if (config_file_items(section, key) == 0)
        return 0;
    *n = 0;
    for (unsigned i = 0; i < config_file_items(section, key); i++) {
        const char *name = config_file_item(section, key, i);
        uint8_t encapsulation = encapsulation_parse(name);

        if (encapsulation == 0)
            return config_file_refuse(section, key, error,
                                      "udp, gre or vxlan is expected, not \"%.40s\"", name);
        if ((seen & encapsulation) != 0)
            return config_file_refuse(section, key, error, "%s stands there twice", name);
        seen |= encapsulation;
        list[(*n)++] = encapsulation;
    }
    return 0;
}

static int
socket_read(cfg_t *section, struct config *config, struct config_error *error)
{
    const char *mode = config_file_text(section, "mode");
    char *end;

    if (config_file_copy(section, "path", config->control_socket, sizeof(config->control_socket),
                         error) < 0 ||
        config_file_copy(section, "group", config->control_socket_group,
                         sizeof(config->control_socket_group), error) < 0)
        return -EINVAL;
    if (config->control_socket[0] != '/')
        return config_file_refuse(section, "path", error, "an absolute path is expected");
    if (mode == NULL)
        return 0;
    if (strlen(mode) > 4 || strspn(mode, "01234567") != strlen(mode) || mode[0] == '\0')
        return config_file_refuse(section, "mode", error, "octal digits such as 0660 are expected");
    config->control_socket_mode = (mode_t)strtoul(mode, &end, 8);
    if (config->control_socket_mode > 0777)
        return config_file_refuse(section, "mode", error, "at most 0777 is expected");
    return 0;
}

static int
limits_read(cfg_t *section, struct config *config, struct config_error *error)
{
    struct table_limits *limits = &config->limits;
    const struct {
        const char *key;
        uint32_t *value, max;
    } keys[] = {
        { "interfaces", &limits->vifs, 1 << 20 },
        { "vrfs", &limits->vrfs, 1 << 20 },
        { "routes", &limits->routes, 1 << 26 },
        { "fib-nodes", &limits->fib_nodes, 1 << 26 },
        { "endpoints", &limits->endpoints, FIB_ENDPOINT_MAX + 1 },
        { "ecmp-sets", &limits->ecmp_sets, 1 << 20 },
        { "neighbours", &limits->neighbours, 1 << 16 },
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (config_file_number(section, keys[i].key, 1, keys[i].max, keys[i].value, error) < 0)
            return -EINVAL;
    }
    return 0;
}

static int
workers_read(cfg_t *root, struct config *config, struct config_error *error)
{
    unsigned n = config_file_items(root, "workers");
    uint32_t cpu = 0;

    if (n > CONFIG_WORKERS_MAX)
        return config_file_refuse(root, "workers", error, "at most %d CPUs are expected",
                                  CONFIG_WORKERS_MAX);
    for (unsigned i = 0; i < n; i++) {
        const char *text = config_file_item(root, "workers", i);
        if (text_parse_u32(text, CPU_MAX, &cpu) < 0)
            return config_file_refuse(root, "workers", error,
                                      "numbers of CPUs are expected, not \"%.40s\"", text);
        config->workers[i] = (int)cpu;
        for (unsigned j = 0; j < i; j++) {
            if (config->workers[j] == config->workers[i])
                return config_file_refuse(root, "workers", error, "CPU %u stands there twice", cpu);
        }
    }
    if (n > 0)
        config->n_workers = n;
    cpu = UINT32_MAX;
    if (config_file_number(root, "slow-path-cpu", 0, CPU_MAX, &cpu, error) < 0)
        return -EINVAL;
    if (cpu != UINT32_MAX)
        config->slow_path_cpu = (int)cpu;
    return 0;
}

static int
host_name_read(cfg_t *root, struct config *config, struct config_error *error)
{
    if (config_file_text(root, "host-name") == NULL &&
        gethostname(config->host_name, sizeof(config->host_name) - 1) < 0)
        return config_file_refuse(root, "host-name", error, "this host has no name: give one");
    if (config_file_copy(root, "host-name", config->host_name, sizeof(config->host_name), error) <
        0)
        return -EINVAL;
    /* RFC 7622 section 3.3.1 */
    if (!text_is_ascii_name(config->host_name, sizeof(config->host_name) - 1) ||
        strpbrk(config->host_name, "\"&'/:<>@") != NULL)
        return config_file_refuse(root, "host-name", error,
                                  "the local part of a JID is expected (no \"&'/:<>@)");
    return 0;
}

static int
simd_read(cfg_t *root, struct config *config, struct config_error *error)
{
    const char *text = config_file_text(root, "simd");

    if (text != NULL && !simd_level_parse(text, &config->simd))
        return config_file_refuse(root, "simd", error, "scalar, avx2 or avx512 is expected, not %s",
                                  text);
    return 0;
}

static int
root_read(cfg_t *root, struct config *config, struct config_error *error)
{
    if (workers_read(root, config, error) < 0 || host_name_read(root, config, error) < 0 ||
        config_file_bool(root, "poll", &config->poll, error) < 0 ||
        config_file_bool(root, "hugepages", &config->hugepages, error) < 0 ||
        simd_read(root, config, error) < 0 ||
        config_file_number(root, "memory", 64, 1 << 20, &config->memory_mib, error) < 0 ||
        config_file_number(root, "packets", 1024, 1 << 24, &config->packets, error) < 0 ||
        config_file_number(root, "stale-timer", 1, STALE_SECONDS_MAX, &config->stale_seconds,
                           error) < 0 ||
        config_file_copy(root, "state-directory", config->state_directory,
                         sizeof(config->state_directory), error) < 0 ||
        config_encapsulations_read(root, "encapsulations", config->encapsulations,
                                   &config->n_encapsulations, error) < 0)
        return -EINVAL;
    if (config->state_directory[0] != '/')
        return config_file_refuse(root, "state-directory", error, "an absolute path is expected");
    return 0;
}

static int
sections_read(cfg_t *root, const char *kind, struct config *config, struct config_error *error,
              int (*read)(cfg_t *section, struct config *config, struct config_error *error))
{
    for (unsigned i = 0; i < cfg_size(root, kind); i++) {
        if (read(cfg_getnsec(root, kind, i), config, error) < 0)
            return -EINVAL;
    }
    return 0;
}

static int
tree_read(cfg_t *root, struct config *config, struct config_error *error)
{
    config->servers = calloc(cfg_size(root, "server") + 1, sizeof(config->servers[0]));
    config->vpns = calloc(cfg_size(root, "vpn") + 1, sizeof(config->vpns[0]));
    config->vifs = calloc(cfg_size(root, "vif") + 1, sizeof(config->vifs[0]));
    if (config->servers == NULL || config->vpns == NULL || config->vifs == NULL)
        return config_file_refuse(root, NULL, error, "out of memory");
    if (root_read(root, config, error) < 0 ||
        sections_read(root, "control-socket", config, error, socket_read) < 0 ||
        sections_read(root, "limits", config, error, limits_read) < 0 ||
        sections_read(root, "certificates", config, error, config_certificates_read) < 0 ||
        sections_read(root, "underlay", config, error, config_underlay_read) < 0 ||
        sections_read(root, "server", config, error, config_server_read) < 0 ||
        sections_read(root, "vpn", config, error, config_vpn_read) < 0 ||
        sections_read(root, "vif", config, error, config_vif_read) < 0)
        return -EINVAL;
    if (config->underlay.name[0] == '\0')
        return config_file_refuse(root, NULL, error,
                                  "a section underlay \"NAME\" { } is expected, but missing");
    return config_check(root, config, error);
}

static void
config_defaults(struct config *config)
{
    *config = (struct config){
        .n_workers = 1,
        .workers = { CPU_ANY },
        .slow_path_cpu = CPU_ANY,
        .packets = PACKETS_DEFAULT,
        .hugepages = true,
        .simd = SIMD_AVX512,
        .encapsulations = { ENCAP_UDP, ENCAP_GRE, ENCAP_VXLAN },
        .n_encapsulations = 3,
        .stale_seconds = STALE_SECONDS,
        .state_directory = STATE_DIRECTORY,
        .control_socket = CONTROL_SOCKET,
        .control_socket_mode = CONTROL_MODE,
        .limits = TABLE_LIMITS_DEFAULT,
    };
}

/* Every option remembers its line. */
static void
schema_note(cfg_opt_t *options)
{
    for (; options->type != CFGT_NONE; options++) {
        if (options->type == CFGT_SEC)
            schema_note(options->subopts);
        else
            options->validcb = config_file_note;
    }
}

int
config_read(FILE *file, const char *name, struct config *config, struct config_error *error)
{
    cfg_opt_t underlay[] = { VALUE("port"),
                             VALUES("address"),
                             VALUE("gateway"),
                             VALUE("gateway6"),
                             VALUE("gateway-mac"),
                             VALUE("vlan"),
                             VALUE("mtu"),
                             VALUE("dscp"),
                             VALUE("dscp-value"),
                             VALUE("check-sources"),
                             VALUES("allowed-sources"),
                             VALUE("check-reverse-path"),
                             VALUE("host-interface"),
                             CFG_END() };
    cfg_opt_t certificates[] = { VALUE("trust"), VALUE("certificate"), VALUE("key"), CFG_END() };
    cfg_opt_t server[] = { VALUE("address"),          VALUE("dialect"), VALUE("tls"),
                           VALUE("certificate-name"), VALUE("jid"),     CFG_END() };
    cfg_opt_t route[] = { VALUE("next-hop"), VALUE("label"), VALUES("encapsulations"), VALUE("vif"),
                          CFG_END() };
    cfg_opt_t vpn[] = { VALUE("instance-id"),
                        VALUE("gateway"),
                        VALUE("gateway6"),
                        VALUE("label-mode"),
                        VALUE("label"),
                        CFG_SEC("route", route, TITLED),
                        CFG_END() };
    cfg_opt_t vif[] = { VALUE("vpn"),
                        VALUE("port"),
                        VALUE("vlan"),
                        VALUE("mac"),
                        VALUES("address"),
                        VALUES("prefix"),
                        VALUE("gateway"),
                        VALUE("gateway6"),
                        VALUE("router-advertisement"),
                        VALUE("mtu"),
                        VALUE("mss-clamp"),
                        VALUE("rate-in"),
                        VALUE("rate-out"),
                        VALUE("packet-rate-in"),
                        VALUE("packet-rate-out"),
                        VALUE("label"),
                        VALUES("dns"),
                        VALUE("lease"),
                        VALUE("dhcp"),
                        VALUE("up"),
                        VALUE("local-preference"),
                        VALUE("sequence-number"),
                        CFG_END() };
    cfg_opt_t control_socket[] = { VALUE("path"), VALUE("mode"), VALUE("group"), CFG_END() };
    cfg_opt_t limits[] = { VALUE("interfaces"), VALUE("vrfs"),      VALUE("routes"),
                           VALUE("fib-nodes"),  VALUE("endpoints"), VALUE("ecmp-sets"),
                           VALUE("neighbours"), CFG_END() };
    cfg_opt_t schema[] = { VALUES("workers"),
                           VALUE("slow-path-cpu"),
                           VALUE("poll"),
                           VALUE("host-name"),
                           VALUE("hugepages"),
                           VALUE("simd"),
                           VALUE("memory"),
                           VALUE("packets"),
                           VALUE("stale-timer"),
                           VALUE("state-directory"),
                           VALUES("encapsulations"),
                           VALUE(CONFIG_FILE_END),
                           CFG_SEC("control-socket", control_socket, CFGF_NONE),
                           CFG_SEC("limits", limits, CFGF_NONE),
                           CFG_SEC("certificates", certificates, CFGF_NONE),
                           CFG_SEC("underlay", underlay, TITLED),
                           CFG_SEC("server", server, TITLED),
                           CFG_SEC("vpn", vpn, TITLED),
                           CFG_SEC("vif", vif, TITLED),
                           CFG_END() };
    cfg_t *root;
    int status;

    config_defaults(config);
    schema_note(schema);
    root = config_file_parse(file, name, schema, error);
    status = root == NULL ? -EINVAL : tree_read(root, config, error);
    if (status < 0)
        config_free(config);
    if (root != NULL)
        cfg_free(root);
    return status;
}

int
config_load(const char *path, struct config *config, struct config_error *error)
{
    FILE *file = fopen(path, "re");
    struct stat about;
    int status = 0;

    /* The scanner of libconfuse ends the process when it cannot read. */
    if (file == NULL || fstat(fileno(file), &about) != 0)
        status = -errno;
    else if (S_ISDIR(about.st_mode))
        status = -EISDIR;
    if (status != 0) {
        if (file != NULL)
            fclose(file);
        memset(config, 0, sizeof(*config));
        error->field[0] = '\0';
        snprintf(error->text, sizeof(error->text), "%.200s: %s", path, strerror(-status));
        return status;
    }
    status = config_read(file, path, config, error);
    fclose(file);
    return status;
}
