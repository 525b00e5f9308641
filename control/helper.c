/* SPDX-License-Identifier: BSD-3-Clause */

/* One thread, one queue there and one queue back. The event loop is woken through an eventfd, once
 * for all jobs that are done meanwhile. */

#define LOG_AREA "helper"

#include "control/helper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/log.h"

struct job {
    struct job *next;
    void (*work)(void *argument);
    void (*done)(void *argument);
    void *argument;
};

struct queue {
    struct job *first, **end;
};

struct helper {
    pthread_t thread;
    pthread_mutex_t lock; /* of the two queues and `ending` */
    pthread_cond_t wanted;
    struct queue waiting, finished;
    bool ending;
    int event_fd;
    struct event *event;
    unsigned limit, unfinished; /* control only */
};

static void
queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void
queue_push(struct queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct job *
queue_pop(struct queue *queue)
{
    struct job *job = queue->first;

    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return job;
}

static void *
helper_run(void *context)
{
    struct helper *helper = context;
    const uint64_t one = 1;
    struct job *job;

    pthread_mutex_lock(&helper->lock);
    for (;;) {
        while ((job = queue_pop(&helper->waiting)) == NULL && !helper->ending)
            pthread_cond_wait(&helper->wanted, &helper->lock);
        if (job == NULL)
            break;
        pthread_mutex_unlock(&helper->lock);
        job->work(job->argument);
        pthread_mutex_lock(&helper->lock);
        queue_push(&helper->finished, job);
        if (write(helper->event_fd, &one, sizeof(one)) < 0)
            log_error("cannot wake the event loop");
    }
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

/* Calls `done` of every job that has run. */
static void
helper_finish(evutil_socket_t fd, short what, void *context)
{
    struct helper *helper = context;
    uint64_t count;
    struct job *job;

    (void)what;
    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_error("cannot read the helper's eventfd");
    for (;;) {
        pthread_mutex_lock(&helper->lock);
        job = queue_pop(&helper->finished);
        pthread_mutex_unlock(&helper->lock);
        if (job == NULL)
            return;
        helper->unfinished--;
        job->done(job->argument);
        free(job);
    }
}

/* Starts the thread with all signals blocked but those that drivers raise for themselves: signals
 * that end the daemon are the event loop's. */
static int
helper_thread_start(struct helper *helper)
{
    sigset_t blocked, before;
    int error;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    error = pthread_create(&helper->thread, NULL, helper_run, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

struct helper *
helper_create(struct event_base *base, unsigned limit)
{
    struct helper *helper = calloc(1, sizeof(*helper));

    if (helper == NULL)
        return NULL;
    helper->limit = limit;
    queue_init(&helper->waiting);
    queue_init(&helper->finished);
    pthread_mutex_init(&helper->lock, NULL);
    pthread_cond_init(&helper->wanted, NULL);
    helper->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (helper->event_fd >= 0)
        helper->event =
            event_new(base, helper->event_fd, EV_READ | EV_PERSIST, helper_finish, helper);
    if (helper->event != NULL && event_add(helper->event, NULL) == 0 &&
        helper_thread_start(helper) == 0)
        return helper;
    if (helper->event != NULL)
        event_free(helper->event);
    if (helper->event_fd >= 0)
        close(helper->event_fd);
    free(helper);
    return NULL;
}

int
helper_submit(struct helper *helper, void (*work)(void *argument), void (*done)(void *argument),
              void *argument)
{
    struct job *job;

    if (helper->unfinished >= helper->limit)
        return -EBUSY;
    job = malloc(sizeof(*job));
    if (job == NULL)
        return -ENOMEM;
    *job = (struct job){ NULL, work, done, argument };
    helper->unfinished++;
    pthread_mutex_lock(&helper->lock);
    queue_push(&helper->waiting, job);
    pthread_cond_signal(&helper->wanted);
    pthread_mutex_unlock(&helper->lock);
    return 0;
}

void
helper_drain(struct helper *helper)
{
    struct pollfd readable = { .fd = helper->event_fd, .events = POLLIN };

    while (helper->unfinished > 0) {
        if (poll(&readable, 1, -1) > 0)
            helper_finish(helper->event_fd, EV_READ, helper);
    }
}

void
helper_destroy(struct helper *helper)
{
    if (helper == NULL)
        return;
    helper_drain(helper);
    pthread_mutex_lock(&helper->lock);
    helper->ending = true;
    pthread_cond_signal(&helper->wanted);
    pthread_mutex_unlock(&helper->lock);
    pthread_join(helper->thread, NULL);
    event_free(helper->event);
    close(helper->event_fd);
    pthread_mutex_destroy(&helper->lock);
    pthread_cond_destroy(&helper->wanted);
    free(helper);
}
