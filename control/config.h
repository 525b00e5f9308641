/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The configuration file of millrace (docs/configuration.md), read and checked as a whole into one
 * value. Nothing here touches the machine: a file can be checked anywhere, and is fuzzed.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/base/simd.h"
#include "lib/net/addr.h"
#include "lib/net/encapsulation.h"
#include "lib/port/spec.h"
#include "lib/table/tables.h"
#include "lib/table/underlay.h"
#include "lib/xmpp/route.h"

#define CONFIG_WORKERS_MAX   16
#define CONFIG_ADDRESSES_MAX 8 /* of an interface; with its prefixes at most VIF_SOURCES_MAX */
#define CONFIG_PREFIXES_MAX  15
#define CONFIG_NAME_MAX      64
#define CONFIG_FILE_MAX      256
#define CONFIG_PATH_MAX      108 /* of a socket, with the zero at the end */
#define CONFIG_ERROR_MAX     512
#define VPN_NAME_MAX         128 /* octets of a VPN identifier, without the end (C25) */

#define UNDERLAY_MTU_DEFAULT 1500
#define HOST_INTERFACE_MAX   16 /* of a kernel interface's name, with the zero at the end */
#define CPU_ANY              -1
#define XMPP_PORT_DEFAULT    5222

/* The largest TCP segment over IPv4 that a SYN may offer: octets from MSS_CLAMP_MIN on, or */
#define MSS_CLAMP_OFF   0
#define MSS_CLAMP_AUTO  1   /* what fits into the interface's MTU */
#define MSS_CLAMP_MIN   536 /* RFC 9293 section 3.7.1 */
#define TCP_IPV4_OCTETS 40  /* of the headers before a segment */

/* Where something is wrong and what was expected. */
struct config_error {
    char field[CONFIG_NAME_MAX]; /* the key, or the parameter, at fault */
    char text[CONFIG_ERROR_MAX];
};

/* What a VRF's own label stands for, and so what its routes are published with. */
enum label_mode {
    LABEL_MODE_INTERFACE, /* each interface has a label: direct delivery */
    LABEL_MODE_VRF,       /* one label a VRF: lookup among the local addresses */
    LABEL_MODE_GATEWAY,   /* one label a VRF: lookup among all routes (a hub) */
};

struct vif_address {
    struct ip_addr addr;
    uint8_t length; /* 32: point-to-point model; shorter: the subnet of the multipoint model.
                     * IPv6: 128 */
};

/* An interface as asked for, in the file or over the control socket. */
struct vif_config {
    char name[VIF_NAME_MAX];
    char vpn[VPN_NAME_MAX + 1];
    char port[PORT_SPEC_MAX];
    uint16_t vlan; /* VLAN_UNTAGGED or 1-4094 */
    struct mac_addr mac;
    uint8_t n_addresses, n_prefixes, n_dns;
    struct vif_address addresses[CONFIG_ADDRESSES_MAX];
    struct ip_prefix prefixes[CONFIG_PREFIXES_MAX]; /* networks behind the guest */
    struct ip_addr dns[VIF_DNS_MAX];
    struct ip_addr gateway, gateway6; /* IP_NONE: the VPN's */
    uint16_t mtu;                     /* 0: what fits into every encapsulation */
    uint16_t mss_clamp;               /* octets, MSS_CLAMP_OFF or MSS_CLAMP_AUTO */
    struct vif_rate rate_in, rate_out;
    uint32_t label; /* 0: allocated */
    uint32_t lease_seconds;
    uint32_t local_preference;
    uint32_t sequence_number; /* 0: by the clock */
    bool dhcp;
    bool router_advertisement; /* if it has an IPv6 address */
    bool up;
    bool from_file; /* else over the control socket, kept in the state directory */
};

#define VIF_CONFIG_DEFAULT                                        \
    ((struct vif_config){ .lease_seconds = 3600,                  \
                          .local_preference = ROUTE_PREF_DEFAULT, \
                          .dhcp = true,                           \
                          .router_advertisement = true,           \
                          .up = true })

/* A static route: to a far end with its label, or to an interface of our own. */
struct static_route {
    struct ip_prefix prefix;
    char vif[VIF_NAME_MAX];         /* empty: to `next_hop` */
    struct route_next_hop next_hop; /* its encapsulations: as configured, else all of ours */
};

struct vpn_config {
    char name[VPN_NAME_MAX + 1];
    uint16_t instance_id;    /* 0: none is sent (C30) */
    struct ip_addr gateway;  /* IP_NONE: 169.254.0.1 */
    struct ip_addr gateway6; /* IP_NONE: fe80::1 */
    enum label_mode label_mode;
    uint32_t label; /* the VRF's own label; 0: allocated if the mode needs one */
    struct static_route *routes;
    unsigned n_routes;
};

/* The link of one family: what is on it, and the way to what is not. */
struct underlay_link {
    uint8_t prefix_length;  /* of the subnet that our address is in */
    struct ip_addr gateway; /* IP_NONE: only neighbours on the link are reached */
};

struct underlay_config {
    char name[CONFIG_NAME_MAX];
    char port[PORT_SPEC_MAX];
    char host_interface[HOST_INTERFACE_MAX]; /* for what is not a tunnel; empty: none */
    struct underlay settings;                /* our addresses, and what all threads must know */
    struct underlay_link v4, v6;
    struct ip_addr next_hop;           /* the first of our addresses: the one that is announced */
    struct mac_addr gateway_mac;       /* of the gateways; all zero: they are asked for it */
    struct ip_prefix *allowed_sources; /* of tunnels, beside the known endpoints (C49) */
    unsigned n_allowed_sources;
};

struct route_server_config {
    char name[CONFIG_NAME_MAX];
    struct ip_addr address;
    uint16_t tcp_port;
    char jid[256];              /* default route-server@ietf.org (C24) */
    bool tls;                   /* required; else the session is plain text */
    char certificate_name[256]; /* of the server; empty: the domain of `jid` */
};

/* PEM files, empty if not given. */
struct certificates_config {
    char trust[CONFIG_FILE_MAX]; /* authorities */
    char certificate[CONFIG_FILE_MAX], key[CONFIG_FILE_MAX];
};

struct config {
    char host_name[256]; /* local part of our JID (C22, C23) */
    unsigned n_workers;
    int workers[CONFIG_WORKERS_MAX]; /* CPU of each, or CPU_ANY */
    int slow_path_cpu;               /* or CPU_ANY */
    bool poll;                       /* workers never sleep */
    uint32_t memory_mib;             /* 0: chosen by eal_start() */
    uint32_t packets;                /* packet buffers */
    bool hugepages;                  /* used if there are some */
    enum simd_level simd;            /* the highest that may be used */
    struct underlay_config underlay;
    struct certificates_config certificates;
    struct route_server_config *servers;
    unsigned n_servers;
    uint8_t encapsulations[3]; /* enum encapsulation, preferred first */
    unsigned n_encapsulations;
    struct vpn_config *vpns;
    unsigned n_vpns;
    struct vif_config *vifs;
    unsigned n_vifs;
    uint32_t stale_seconds; /* a stale path's life while another server is in sync */
    char state_directory[CONFIG_PATH_MAX];
    char control_socket[CONFIG_PATH_MAX];
    mode_t control_socket_mode;
    char control_socket_group[CONFIG_NAME_MAX]; /* empty: the process's */
    struct table_limits limits;
};

/**
 * Reads and checks a configuration.
 * @param name the file's name, for messages; included files are not supported
 * @param config to be released with config_free() after success; empty after an error
 * @return 0, or a negative errno with "FILE:LINE: KEY: what was expected" in `error->text`.
 */
int config_read(FILE *file, const char *name, struct config *config, struct config_error *error);

/** config_read() from a file by name; "-" is not special. */
int config_load(const char *path, struct config *config, struct config_error *error);

/** Frees what config_read() made; also good after an error. */
void config_free(struct config *config);

/** The or-ed encapsulations of the list. */
uint8_t config_encapsulations(const struct config *config);

/** The largest inner IP packet that fits into the underlay's MTU with the widest encapsulation of
 * the list, over every family that the underlay has. */
uint16_t config_inner_mtu(const struct config *config);

/** An interface's MTU: its own, or what every tunnel carries. */
uint16_t config_vif_mtu(const struct config *config, const struct vif_config *vif);

/** The name of a label mode ("interface", "vrf", "gateway"); and the mode of a name or -EINVAL. */
const char *label_mode_name(enum label_mode mode);
int label_mode_parse(const char *name);

/** A VPN's or an interface's section in the configuration, or NULL. */
const struct vpn_config *config_vpn(const struct config *config, const char *name);

/**
 * Checks an interface by itself (names, addresses, ranges), whatever it came from.
 * @return 0 or -EINVAL with field and text.
 */
int vif_config_check(const struct vif_config *vif, struct config_error *error);

/**
 * Checks that an interface with IPv6 has an MTU that IPv6 can live with.
 * @param mtu as config_vif_mtu() says
 * @return 0 or -EINVAL with field and text.
 */
int vif_config_check_mtu(const struct vif_config *vif, uint16_t mtu, struct config_error *error);
