/* SPDX-License-Identifier: BSD-3-Clause */

/* The sender of numbered packets: a window of them, probes while nothing comes back, the report. */

#include "numbered.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_NS            (5 * INT64_C(1000000))
#define PROBES_SLOW_NS      (500 * INT64_C(1000000)) /* after such a silence they are not so many */
#define PROBE_SLOW_NS       (50 * INT64_C(1000000))
#define GAP_EVENT_NS        (50 * INT64_C(1000000))
#define DRAIN_NS            (5000 * INT64_C(1000000))
#define FINISH_NS           (30000 * INT64_C(1000000))
#define FINISH_AGAIN_NS     (50 * INT64_C(1000000))
#define FINISH_AGAIN_MAX_NS (1600 * INT64_C(1000000))

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
    int64_t started = now_ns(), again = FINISH_AGAIN_NS;

    while (sender->credit.number < sender->next && now_ns() - started < DRAIN_NS) {
        if (wait_answer(sender, PROBE_NS))
            take_answers(sender);
    }
    while (!sender->accounted && now_ns() - started < FINISH_NS) {
        sendto(sender->fd, &message, sizeof message, 0,
               (const struct sockaddr *)&sender->options->to, sizeof sender->options->to);
        if (wait_answer(sender, again))
            take_answers(sender);
        else if (again < FINISH_AGAIN_MAX_NS)
            again *= 2;
    }
}

/* When nothing has come back for so long that one of the window must be lost, or the way was: often
 * enough to see when the way is there again, and seldom enough to fill no queue where somebody has
 * not had a processor for seconds. */
static bool
probe_is_due(const struct sender *sender, int64_t probed)
{
    const int64_t now = now_ns(), silence = now - sender->credit_ns;

    return silence > PROBE_NS &&
           now - probed > (silence < PROBES_SLOW_NS ? PROBE_NS : PROBE_SLOW_NS);
}

int
send_all(const struct options *options)
{
    struct sender sender = {
        .options = options,
        .fd = open_socket(&options->from),
        .run = (uint64_t)now_ns() ^ ((uint64_t)getpid() << 48),
    };
    int64_t started = now_ns(), elapsed = 0, probed = 0;

    sender.credit_ns = started;
    while (!told_to_stop && sender.next < NUMBERS_MAX) {
        /* One packet at a time until the first credit: neighbours may have to be resolved. */
        unsigned window = sender.credit.received ? options->window : 1;
        uint64_t outstanding = sender.next - sender.credit.number;
        unsigned room = outstanding < window ? (unsigned)(window - outstanding) : 0;

        elapsed = now_ns() - started;
        if (options->seconds > 0 && (double)elapsed > options->seconds * 1e9)
            break;
        if (room == 0 && probe_is_due(&sender, probed))
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
