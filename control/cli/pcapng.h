/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Writes captures as pcapng (draft-ietf-opsawg-pcapng): one section, one interface with a name, and
 * a packet block each with its direction and a comment. Hand-written, for rte_pcapng wants packet
 * buffers and ports of DPDK in the process that writes, and libpcap writes no comments.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Link types of the pcap registry. */
#define PCAPNG_ETHERNET 1
#define PCAPNG_IP       101

/** Writes what comes before the first packet. @param snaplen the most octets of a packet, 0: any.
 * Errors are the stream's: ferror(). */
void pcapng_begin(FILE *file, const char *interface, uint16_t link, uint32_t snaplen);

/**
 * Writes a packet.
 * @param time_ns nanoseconds since 1970-01-01 UTC
 * @param inbound the machine that captured has received it
 * @param kept octets that are here, of `length`
 * @param comment for people; NULL: none
 */
void pcapng_packet(FILE *file, uint64_t time_ns, bool inbound, const void *octets, uint32_t kept,
                   uint32_t length, const char *comment);
