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

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC           0x4e554d42u /* "NUMB" */
#define BATCH           16
#define PAYLOAD_MAX     8192
#define FLOWS_MAX       64
#define NUMBERS_MAX     (UINT64_C(1) << 30) /* 128 MiB of bits */
#define PROBE_NS        (5 * INT64_C(1000000))
#define GAP_EVENT_NS    (50 * INT64_C(1000000))
#define PROGRESS_NS     (250 * INT64_C(1000000))
#define DRAIN_NS        (1000 * INT64_C(1000000))
#define FINISH_NS       (5000 * INT64_C(1000000))
#define FINISH_AGAIN_NS (50 * INT64_C(1000000))

enum kind { KIND_DATA = 1, KIND_CREDIT = 2, KIND_FINISH = 3, KIND_ACCOUNT = 4 };

/* What both ends send, in the byte order of the host: they run on one machine. */
struct message {
    uint32_t magic;
    uint32_t kind;
    uint64_t run;    /* tells one sender's run from an older one's */
    uint64_t number; /* data: from 0; finish: how many there were; credit: what no flow waits for */
    uint64_t received;
    uint64_t duplicated;
    uint64_t reordered;
    int64_t longest_gap_ns;
    int64_t gap_started_ns; /* since the first packet */
};

struct options {
    struct sockaddr_in from;
    struct sockaddr_in to;
    size_t size;
    unsigned window;
    unsigned flows; /* to as many ports, from the one that is named */
    double seconds; /* 0: until told */
};

static volatile sig_atomic_t told_to_stop;

static void
on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
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

static struct sockaddr_in
with_port_of_flow(struct sockaddr_in address, uint64_t flow)
{
    address.sin_port = htons((uint16_t)(ntohs(address.sin_port) + flow));
    return address;
}

static bool
wait_readable(struct pollfd *sockets, unsigned n, int64_t ns)
{
    struct timespec timeout = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

    return ppoll(sockets, n, &timeout, NULL) > 0;
}

/* ---- the receiver ---- */

struct account {
    struct message state; /* what goes into credits */
    unsigned flows;
    uint64_t next[FLOWS_MAX]; /* number, of each flow */
    uint8_t *seen;            /* a bit a number */
    uint64_t seen_octets;
    int64_t first_ns, last_ns;
};

static void
account_reset(struct account *account, uint64_t run)
{
    memset(&account->state, 0, sizeof account->state);
    account->state.magic = MAGIC;
    account->state.run = run;
    account->first_ns = account->last_ns = 0;
    for (unsigned flow = 0; flow < account->flows; flow++)
        account->next[flow] = flow;
    if (account->seen)
        memset(account->seen, 0, account->seen_octets);
}

/* All numbers below have come, or will not any more. */
static uint64_t
lowest_next(const struct account *account)
{
    uint64_t lowest = account->next[0];

    for (unsigned flow = 1; flow < account->flows; flow++) {
        if (account->next[flow] < lowest)
            lowest = account->next[flow];
    }
    return lowest;
}

static void
account_take(struct account *account, uint64_t number)
{
    struct message *state = &account->state;
    uint64_t *next = &account->next[number % account->flows];
    int64_t now = now_ns();

    if (number >= NUMBERS_MAX)
        return;
    if (number / 8 >= account->seen_octets) {
        uint64_t octets = account->seen_octets ? account->seen_octets : 1 << 16;
        while (number / 8 >= octets)
            octets *= 2;
        account->seen = realloc(account->seen, octets);
        if (!account->seen) {
            fprintf(stderr, "no memory for %" PRIu64 " numbers\n", octets * 8);
            exit(1);
        }
        memset(account->seen + account->seen_octets, 0, octets - account->seen_octets);
        account->seen_octets = octets;
    }
    if (account->seen[number / 8] & (1u << (number % 8))) {
        state->duplicated++;
        return;
    }
    account->seen[number / 8] |= (uint8_t)(1u << (number % 8));
    state->received++;
    if (number < *next)
        state->reordered++;
    else
        *next = number + account->flows;
    state->number = lowest_next(account);
    if (account->first_ns == 0)
        account->first_ns = now;
    else if (now - account->last_ns > state->longest_gap_ns) {
        state->longest_gap_ns = now - account->last_ns;
        state->gap_started_ns = account->last_ns - account->first_ns;
    }
    account->last_ns = now;
}

/* Takes what one recvmmsg brought; answers the last sender with one credit, or with the account. */
static void
receive_batch(int fd, struct account *account)
{
    static uint8_t payloads[BATCH][PAYLOAD_MAX];
    struct sockaddr_in peers[BATCH];
    struct iovec vectors[BATCH];
    struct mmsghdr headers[BATCH];
    uint32_t answer = 0;
    int count, last = 0;

    memset(headers, 0, sizeof headers);
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){ payloads[i], PAYLOAD_MAX };
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = &peers[i],
            .msg_namelen = sizeof peers[i],
            .msg_iov = &vectors[i],
            .msg_iovlen = 1,
        };
    }
    count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        struct message message;
        if (headers[i].msg_len < sizeof message)
            continue;
        memcpy(&message, payloads[i], sizeof message);
        if (message.magic != MAGIC)
            continue;
        if (message.kind == KIND_DATA) {
            if (message.run != account->state.run)
                account_reset(account, message.run);
            account_take(account, message.number);
            answer = KIND_CREDIT;
        } else if (message.kind == KIND_FINISH && message.run == account->state.run) {
            answer = KIND_ACCOUNT;
        }
        last = i;
    }
    if (answer) {
        account->state.kind = answer;
        /* A credit that cannot be sent is lost like any packet: the sender probes. */
        sendto(fd, &account->state, sizeof account->state, 0, (const struct sockaddr *)&peers[last],
               sizeof peers[last]);
    }
}

static int
receive(const struct options *options)
{
    struct account account = { .flows = options->flows };
    struct pollfd sockets[FLOWS_MAX];

    for (unsigned flow = 0; flow < options->flows; flow++) {
        struct sockaddr_in local = with_port_of_flow(options->from, flow);
        sockets[flow] = (struct pollfd){ .fd = open_socket(&local), .events = POLLIN };
    }
    printf("{\"event\": \"listening\"}\n");
    fflush(stdout);
    while (!told_to_stop) {
        if (!wait_readable(sockets, options->flows, PROGRESS_NS))
            continue;
        for (unsigned flow = 0; flow < options->flows; flow++) {
            if (sockets[flow].revents != 0)
                receive_batch(sockets[flow].fd, &account);
        }
    }
    printf("{\"event\": \"stopped\", \"received\": %" PRIu64 "}\n", account.state.received);
    free(account.seen);
    for (unsigned flow = 0; flow < options->flows; flow++)
        close(sockets[flow].fd);
    return 0;
}

/* ---- the sender ---- */

struct sender {
    const struct options *options;
    int fd;
    uint64_t run;
    uint64_t next;         /* the number of the next packet */
    uint64_t send_errors;  /* the kernel would not take it: the number was used later */
    struct message credit; /* the newest */
    bool accounted;        /* the receiver has given its account */
    bool silent;           /* a gap goes on */
    int64_t credit_ns, progress_ns;
};

static void
send_numbers(struct sender *sender, unsigned count)
{
    static uint8_t payloads[BATCH][PAYLOAD_MAX];
    struct sockaddr_in peers[BATCH];
    struct iovec vectors[BATCH];
    struct mmsghdr headers[BATCH];
    int sent;

    memset(headers, 0, sizeof headers);
    for (unsigned i = 0; i < count; i++) {
        struct message message = {
            .magic = MAGIC,
            .kind = KIND_DATA,
            .run = sender->run,
            .number = sender->next + i,
        };
        memcpy(payloads[i], &message, sizeof message);
        peers[i] = with_port_of_flow(sender->options->to, message.number % sender->options->flows);
        vectors[i] = (struct iovec){ payloads[i], sender->options->size };
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = &peers[i],
            .msg_namelen = sizeof peers[i],
            .msg_iov = &vectors[i],
            .msg_iovlen = 1,
        };
    }
    sent = sendmmsg(sender->fd, headers, count, 0);
    if (sent > 0)
        sender->next += (uint64_t)sent;
    else
        sender->send_errors++;
}

static bool
wait_answer(const struct sender *sender, int64_t ns)
{
    struct pollfd socket = { .fd = sender->fd, .events = POLLIN };

    return wait_readable(&socket, 1, ns);
}

static void
take_answers(struct sender *sender)
{
    struct message message;

    for (;;) {
        ssize_t length = recv(sender->fd, &message, sizeof message, MSG_DONTWAIT);
        /* Other errors are what ICMP told of earlier packets: no reason to stop reading. */
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length != sizeof message || message.magic != MAGIC || message.run != sender->run)
            continue;
        if (message.kind != KIND_CREDIT && message.kind != KIND_ACCOUNT)
            continue;
        if (sender->credit.received == 0) {
            printf("{\"event\": \"flowing\"}\n");
        } else if (sender->silent && message.received > sender->credit.received) {
            printf("{\"event\": \"gap\", \"ms\": %.1f}\n",
                   (double)(now_ns() - sender->credit_ns) / 1e6);
            sender->silent = false;
        }
        fflush(stdout);
        if (message.received >= sender->credit.received) {
            sender->credit = message;
            sender->credit_ns = now_ns();
        }
        if (message.kind == KIND_ACCOUNT)
            sender->accounted = true;
    }
}

static void
tell_progress(struct sender *sender)
{
    int64_t now = now_ns();

    if (sender->credit.received > 0 && now - sender->credit_ns > GAP_EVENT_NS)
        sender->silent = true;
    if (now - sender->progress_ns < PROGRESS_NS)
        return;
    sender->progress_ns = now;
    printf("{\"event\": \"progress\", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 "}\n",
           sender->next, sender->credit.received);
    fflush(stdout);
}

/* Asks for the account until it comes, or until nobody will answer any more. */
static void
finish(struct sender *sender)
{
    struct message message = {
        .magic = MAGIC,
        .kind = KIND_FINISH,
        .run = sender->run,
        .number = sender->next,
    };
    int64_t started = now_ns();

    while (sender->credit.number < sender->next && now_ns() - started < DRAIN_NS) {
        if (wait_answer(sender, PROBE_NS))
            take_answers(sender);
    }
    while (!sender->accounted && now_ns() - started < FINISH_NS) {
        sendto(sender->fd, &message, sizeof message, 0,
               (const struct sockaddr *)&sender->options->to, sizeof sender->options->to);
        if (wait_answer(sender, FINISH_AGAIN_NS))
            take_answers(sender);
    }
}

static int
send_all(const struct options *options)
{
    struct sender sender = {
        .options = options,
        .fd = open_socket(&options->from),
        .run = (uint64_t)now_ns() ^ ((uint64_t)getpid() << 48),
    };
    int64_t started = now_ns(), elapsed = 0, probed = 0;

    while (!told_to_stop && sender.next < NUMBERS_MAX) {
        /* One packet at a time until the first credit: neighbours may have to be resolved. */
        unsigned window = sender.credit.received ? options->window : 1;
        uint64_t outstanding = sender.next - sender.credit.number;
        unsigned room = outstanding < window ? (unsigned)(window - outstanding) : 0;

        elapsed = now_ns() - started;
        if (options->seconds > 0 && (double)elapsed > options->seconds * 1e9)
            break;
        if (room == 0 && now_ns() - probed > PROBE_NS && now_ns() - sender.credit_ns > PROBE_NS)
            room = 1;
        if (room) {
            uint64_t errors = sender.send_errors;
            send_numbers(&sender, room < BATCH ? room : BATCH);
            probed = now_ns();
            if (sender.send_errors > errors)
                wait_answer(&sender, PROBE_NS);
        } else {
            wait_answer(&sender, PROBE_NS);
        }
        take_answers(&sender);
        tell_progress(&sender);
    }
    elapsed = now_ns() - started;
    finish(&sender);
    printf("{\"event\": \"report\", \"sent\": %" PRIu64 ", \"received\": %" PRIu64
           ", \"lost\": %" PRIu64 ", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64
           ", \"longest_gap_ms\": %.2f, \"gap_started_s\": %.3f, \"send_errors\": %" PRIu64
           ", \"seconds\": %.3f, \"packets_per_second\": %.0f, \"accounted\": %s}\n",
           sender.next, sender.credit.received, sender.next - sender.credit.received,
           sender.credit.duplicated, sender.credit.reordered,
           (double)sender.credit.longest_gap_ns / 1e6, (double)sender.credit.gap_started_ns / 1e9,
           sender.send_errors, (double)elapsed / 1e9,
           (double)sender.credit.received / ((double)elapsed / 1e9),
           sender.accounted ? "true" : "false");
    close(sender.fd);
    return sender.accounted ? 0 : 1;
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
