/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Numbered UDP packets from one end to the other, as fast as what lies between carries them, with
 * every number accounted for: what was lost, came twice or out of order, and how long the longest
 * silence was.
 *
 * There may be several flows, told apart by the port that they go to: packet n belongs to flow n
 * modulo their number, and order is judged in each flow alone.
 *
 * The receiver answers each batch with a credit, and at most a window of packets is on its way: no
 * queue overflows because of the sender. When credits stay away, single packets probe until one
 * gets through. At the end the sender tells how many it sent, and the receiver answers with the
 * account. Events are lines of JSON on the standard output.
 */

#include "numbered.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

volatile sig_atomic_t told_to_stop;

static void
on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int
open_socket(const struct sockaddr_in *local)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int octets = 4 << 20, yes = 1;

    if (fd < 0) {
        perror("socket");
        exit(1);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    /* The address may be one that the workload has not got by DHCP yet, or has lost for a while. */
    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)local, sizeof *local) < 0) {
        perror("bind");
        exit(1);
    }
    return fd;
}

struct sockaddr_in
with_port_of_flow(struct sockaddr_in address, uint64_t flow)
{
    address.sin_port = htons((uint16_t)(ntohs(address.sin_port) + flow));
    return address;
}

bool
wait_readable(struct pollfd *sockets, unsigned n, int64_t ns)
{
    struct timespec timeout = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

    return ppoll(sockets, n, &timeout, NULL) > 0;
}

/* ---- the command line ---- */

static void
usage(FILE *file)
{
    fprintf(
        file,
        "usage: numbered receive ADDRESS:PORT [--flows FLOWS]\n"
        "       numbered send ADDRESS:PORT [--from ADDRESS] [--size OCTETS] [--window PACKETS]\n"
        "                                  [--seconds SECONDS] [--flows FLOWS]\n"
        "Sends numbered UDP packets until SIGINT, SIGTERM or the end of SECONDS, never more than\n"
        "PACKETS (default 32) on their way, and prints what became of them as lines of JSON.\n"
        "FLOWS (default 1) flows go to as many ports, from PORT on; both sides are told.\n");
}

static bool
parse_address(const char *text, bool with_port, struct sockaddr_in *address)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    long port = 0;

    if (with_port != (colon != NULL) || length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = 0;
    if (colon) {
        port = strtol(colon + 1, NULL, 10);
        if (port < 1 || port > 65535)
            return false;
    }
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

int
main(int argc, char **argv)
{
    static const struct option long_options[] = {
        { "from", required_argument, NULL, 'f' },   { "size", required_argument, NULL, 's' },
        { "window", required_argument, NULL, 'w' }, { "seconds", required_argument, NULL, 't' },
        { "flows", required_argument, NULL, 'n' },  { NULL, 0, NULL, 0 },
    };
    struct options options = {
        .from = { .sin_family = AF_INET },
        .size = 128,
        .window = 32,
        .flows = 1,
    };
    struct sigaction action = { .sa_handler = on_signal };
    bool fine = true;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'f':
            fine &= parse_address(optarg, false, &options.from);
            break;
        case 's':
            options.size = strtoul(optarg, NULL, 10);
            break;
        case 'w':
            options.window = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 't':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'n':
            options.flows = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            fine = false;
        }
    }
    fine = fine && argc - optind == 2 && options.window > 0 && options.flows > 0 &&
           options.flows <= FLOWS_MAX && options.size >= sizeof(struct message) &&
           options.size <= PAYLOAD_MAX;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (fine && strcmp(argv[optind], "receive") == 0 &&
        parse_address(argv[optind + 1], true, &options.from))
        return receive(&options);
    if (fine && strcmp(argv[optind], "send") == 0 &&
        parse_address(argv[optind + 1], true, &options.to))
        return send_all(&options);
    usage(stderr);
    return 2;
}
