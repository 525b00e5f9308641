/* SPDX-License-Identifier: BSD-3-Clause */

/* The sections of the configuration file about route servers, and the certificates for them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/config_file.h"
#include "control/config_sections.h"
#include "lib/base/text.h"
#include "lib/xmpp/transport.h"

int
config_server_read(cfg_t *section, struct config *config, struct config_error *error)
{
    struct route_server_config *server = &config->servers[config->n_servers];
    const char *dialect = config_file_text(section, "dialect");
    const char *tls = config_file_text(section, "tls");
    const char *address, *at;

    snprintf(server->jid, sizeof(server->jid), "route-server@ietf.org");
    if (!text_is_ascii_name(cfg_title(section), sizeof(server->name) - 1))
        return config_file_refuse(section, NULL, error,
                                  "a name of ASCII without blanks is "
                                  "expected");
    snprintf(server->name, sizeof(server->name), "%s", cfg_title(section));
    config->n_servers++;
    if (config_file_require(section, "address", "an address", error) < 0)
        return -EINVAL;
    server->tcp_port = XMPP_PORT_DEFAULT;
    address = config_file_text(section, "address");
    if (ip_addr_port_parse(address, &server->address, &server->tcp_port) < 0)
        return config_file_refuse(section, "address", error,
                                  "an address, or ADDRESS:PORT ([ADDRESS]:PORT for IPv6), is "
                                  "expected, not \"%.40s\"",
                                  address);
    if (dialect != NULL && strcmp(dialect, "draft") != 0)
        return config_file_refuse(section, "dialect", error, "\"draft\" is expected, not \"%.40s\"",
                                  dialect);
    if (tls != NULL && strcmp(tls, "required") != 0 && strcmp(tls, "none") != 0)
        return config_file_refuse(section, "tls", error,
                                  "required or none is expected, not \"%.40s\"", tls);
    server->tls = tls == NULL || strcmp(tls, "required") == 0;
    if (server->tls && config->certificates.trust[0] == '\0')
        return config_file_refuse(
            section, tls == NULL ? NULL : "tls", error,
            "TLS is required, and a section certificates is missing that says "
            "whom to trust; tls = none does without");
    if (config_file_copy(section, "certificate-name", server->certificate_name,
                         sizeof(server->certificate_name), error) < 0)
        return -EINVAL;
    if (!text_is_ascii_name(server->certificate_name, sizeof(server->certificate_name) - 1) &&
        server->certificate_name[0] != '\0')
        return config_file_refuse(section, "certificate-name", error, "a DNS name is expected");
    if (config_file_copy(section, "jid", server->jid, sizeof(server->jid), error) < 0)
        return -EINVAL;
    at = strchr(server->jid, '@');
    if (!text_is_ascii_name(server->jid, sizeof(server->jid) - 1) ||
        strpbrk(server->jid, "/\"&'<>") != NULL || at == NULL || at == server->jid ||
        at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return config_file_refuse(section, "jid", error, "NAME@DOMAIN is expected");
    return 0;
}

/* A file's path, which has to be absolute. */
static int
path_read(cfg_t *section, const char *key, char path[CONFIG_FILE_MAX], struct config_error *error)
{
    if (config_file_copy(section, key, path, CONFIG_FILE_MAX, error) < 0)
        return -EINVAL;
    if (path[0] != '\0' && path[0] != '/')
        return config_file_refuse(section, key, error, "an absolute path is expected");
    return 0;
}

int
config_certificates_read(cfg_t *section, struct config *config, struct config_error *error)
{
    struct certificates_config *certificates = &config->certificates;

    if (path_read(section, "trust", certificates->trust, error) < 0 ||
        path_read(section, "certificate", certificates->certificate, error) < 0 ||
        path_read(section, "key", certificates->key, error) < 0)
        return -EINVAL;
    if (certificates->certificate[0] != '\0' || certificates->key[0] != '\0')
        return config_file_require(section, "trust", "a file of certificates", error) < 0 ||
                       config_file_require(section, "certificate", "a file", error) < 0
                   ? -EINVAL
                   : 0;
    return 0;
}
