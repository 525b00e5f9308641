/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The specification of a port as a person writes it:
 *
 *   tap:NAME                         a TAP interface of the kernel, made and removed with the port
 *   af_packet:IFNAME                 an interface of the kernel, by AF_PACKET
 *   af_xdp:IFNAME                    an interface of the kernel, by AF_XDP
 *   memif:SOCKET[,id=N][,role=R]     shared memory; R is server (default) or client
 *   vhost:SOCKET[,client=0|1]        vhost-user; with client=1 the other side listens
 *   pcap:RX_FILE,TX_FILE[,loop]      frames from a file, frames to a file; for tests. With loop
 *                                    the file is played again and again, as fast as frames are
 * taken null:                            swallows frames; for tests 0000:3b:02.0 a PCI device
 *
 * No DPDK here: the configuration is checked without it. Any thread.
 */

#include <stddef.h>

#define PORT_SPEC_MAX 256

enum port_kind {
    PORT_TAP,
    PORT_AF_PACKET,
    PORT_AF_XDP,
    PORT_MEMIF,
    PORT_VHOST,
    PORT_PCAP,
    PORT_NULL,
    PORT_PCI,
};

struct port_spec {
    enum port_kind kind;
    char target[PORT_SPEC_MAX]; /* interface name, socket, RX file or PCI address */
    char second[PORT_SPEC_MAX]; /* pcap: the TX file */
    unsigned id;                /* memif */
    int client;                 /* memif, vhost: we connect */
    int loop;                   /* pcap */
};

/**
 * Reads a specification.
 * @param error filled with what was expected, for a person, if it is wrong
 * @return 0 or -EINVAL.
 */
int port_spec_parse(const char *text, struct port_spec *spec, char *error, size_t error_size);
