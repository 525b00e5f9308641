/* SPDX-License-Identifier: BSD-3-Clause */

/* The receiver of numbered packets: keeps account of what came, and answers each batch. */

#include "numbered.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

int
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
