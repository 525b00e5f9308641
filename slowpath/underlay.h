/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Our own addresses on the underlay: announced, answered for, and watched. Frames are taken with
 * the underlay's 802.1Q tag only, and sent with it. An underlay may have addresses of one family or
 * of both; what is for a family that it has not concerns the kernel of this host, or nobody.
 */

#include "slowpath/context.h"

/** From one of our underlay ports to a station. */
struct link_address underlay_link(const struct slowpath *slowpath, const struct port *port,
                                  const struct mac_addr *destination);

/**
 * Announces our addresses on underlay ports that are new: neighbours that knew another MAC address,
 * from before a restart, need not wait until it grows old (RFC 5227 section 2.3, RFC 4861 section
 * 7.2.6). IPv6 neighbours are first asked whether somebody else has our address, as they would not
 * contradict an announcement (RFC 4862 section 5.4). Once a turn.
 */
void underlay_turn(struct slowpath *slowpath);

/** Somebody else says that it has our address: logged (RFC 5227 section 2.4). */
void underlay_conflict(struct slowpath *slowpath, const struct ip_addr *address,
                       const struct mac_addr *mac);

/** Handles an ARP packet from an underlay port: requests for our address are answered, and what
 * known neighbours say about themselves, to us or to all, is taken in (RFC 826); replies and
 * announcements reach the kernel of this host too. @return PARSE_OK if it was of use to anybody. */
enum drop_reason underlay_arp(struct slowpath *slowpath, uint16_t port,
                              const struct punted *punted);

/** The same for neighbour discovery (RFC 4861 section 7.2); the kernel also hears solicitations for
 * link-local addresses, as one of them is its own, and routers. */
enum drop_reason underlay_nd(struct slowpath *slowpath, uint16_t port, const struct punted *punted);

/** Takes in ICMP errors about the path MTU of tunnels (path_mtu.h); passes other ICMP to our
 * addresses on to the kernel of this host; without a host port, answers echo requests. @return
 * PARSE_OK or why there is no answer. */
enum drop_reason underlay_local(struct slowpath *slowpath, uint16_t port,
                                const struct punted *punted);
