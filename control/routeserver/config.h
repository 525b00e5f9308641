/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The configuration file of millrace-rs (docs/configuration.md), read and checked as a whole into
 * one value. Nothing here touches the machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/routeserver/rib.h"
#include "lib/net/addr.h"

#define RS_LISTEN_MAX       16
#define RS_TARGETS_MAX      64  /* imports or exports of a VPN */
#define RS_PATH_MAX         108 /* of a socket, with the zero at the end */
#define RS_FILE_MAX         256
#define RS_GROUP_MAX        64
#define RS_CONFIG_ERROR_MAX 512

struct rs_listen {
    struct ip_addr addr;
    uint16_t port;
};

struct rs_vpn {
    char name[RIB_VPN_NAME_MAX];
    uint64_t exports[RS_TARGETS_MAX], imports[RS_TARGETS_MAX];
    uint32_t n_exports, n_imports;
};

struct rs_config {
    struct rs_listen listen[RS_LISTEN_MAX];
    unsigned n_listen;
    char jid[RIB_JID_MAX];
    bool tls;                 /* required; else sessions are plain text */
    bool client_certificates; /* TLS: every client has to authenticate with one */
    char trust[RS_FILE_MAX], certificate[RS_FILE_MAX], key[RS_FILE_MAX]; /* PEM; key: or empty */
    uint32_t purge_seconds;    /* what a client published lives so long after its session (R2) */
    uint32_t deferral_seconds; /* so long after the start nobody is told to be in sync */
    bool auto_vpn;             /* VPNs come into being with the first subscription (R3) */
    uint32_t sessions_max;
    struct rib_limits limits;
    struct rs_vpn *vpns;
    unsigned n_vpns;
    char control_socket[RS_PATH_MAX];
    char control_socket_group[RS_GROUP_MAX]; /* empty: the process's */
    mode_t control_socket_mode;
};

/**
 * Reads and checks a configuration.
 * @param text of `length` octets
 * @param name the file's name, for messages
 * @param config to be released with rs_config_free() after success; empty after an error
 * @param error gets "FILE:LINE: KEY: what was expected"
 * @return 0, -EINVAL or -ENOMEM.
 */
int rs_config_read(const char *text, size_t length, const char *name, struct rs_config *config,
                   char error[RS_CONFIG_ERROR_MAX]);

/** rs_config_read() from a file by name. @return also a negative errno of reading it. */
int rs_config_load(const char *path, struct rs_config *config, char error[RS_CONFIG_ERROR_MAX]);

/** Frees what rs_config_read() made; also good after an error. */
void rs_config_free(struct rs_config *config);
