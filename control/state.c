/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Each file of the state directory is {"version": N, "content": …}. A file has at most one write
 * under way; changes that come meanwhile wait for the next one, which takes them all.
 */

#define LOG_AREA "state"

#include "control/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/helper.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define STATE_FILE_MAX (256u << 20) /* octets; more is not ours */

struct waiter {
    struct waiter *next;
    void (*done)(void *argument, int error);
    void *argument;
};

/* A file with its writes. */
struct state_file {
    struct state_file *next;
    struct state *state;
    const char *name;
    int version;
    json_t *(*content)(void *source);
    void *source;
    struct waiter *waiting; /* for the write to come */

    bool writing;
    struct waiter *served; /* by the write under way */
    char path[PATH_MAX];
    char *text;
    int error;
};

struct state {
    char directory[PATH_MAX];
    int lock_fd;
    struct helper *helper;
    struct state_file *files;
};

int
state_open(const char *directory, struct helper *helper, struct state **opened, char *error,
           size_t error_size)
{
    struct state *state = calloc(1, sizeof(*state));
    char lock[PATH_MAX];
    int status;

    if (state == NULL) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    state->helper = helper;
    state->lock_fd = -1;
    if (snprintf(state->directory, sizeof(state->directory), "%s", directory) >=
            (int)sizeof(state->directory) ||
        snprintf(lock, sizeof(lock), "%s/lock", directory) >= (int)sizeof(lock)) {
        status = -ENAMETOOLONG;
        goto failed;
    }
    status = mkdir(directory, 0750) < 0 && errno != EEXIST ? -errno : 0;
    if (status < 0)
        goto failed;
    state->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (state->lock_fd < 0 || flock(state->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        status = errno == EWOULDBLOCK ? -EBUSY : -errno;
        goto failed;
    }
    *opened = state;
    return 0;

failed:
    snprintf(error, error_size, "%s",
             status == -EBUSY ? "another process uses it" : strerror(-status));
    if (state->lock_fd >= 0)
        close(state->lock_fd);
    free(state);
    return status;
}

void
state_close(struct state *state)
{
    if (state == NULL)
        return;
    while (state->files != NULL) {
        struct state_file *file = state->files;
        state->files = file->next;
        free(file);
    }
    close(state->lock_fd);
    free(state);
}

int
state_path(const struct state *state, const char *file, char *path, size_t size)
{
    int n = snprintf(path, size, "%s/%s", state->directory, file);

    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int
state_file_path(const struct state *state, const char *name, char path[PATH_MAX])
{
    char file[NAME_MAX];

    snprintf(file, sizeof(file), "%s.json", name);
    return state_path(state, file, path, PATH_MAX);
}

void
state_reject(struct state *state, const char *name, const char *why)
{
    char path[PATH_MAX];
    int status = state_file_path(state, name, path);

    if (status == 0)
        status = file_set_aside(path);
    log_warning("%s.json %s%s", name, why,
                status == 0 ? ": set aside as .corrupt, going on without" : "");
}

json_t *
state_read(struct state *state, const char *name, int version)
{
    char path[PATH_MAX], *text;
    json_error_t problem;
    json_t *document, *content;
    int found = 0;
    size_t length;
    int status = state_file_path(state, name, path);

    if (status == 0)
        status = file_read(path, STATE_FILE_MAX, &text, &length);
    if (status == -ENOENT)
        return NULL;
    if (status < 0) {
        state_reject(state, name, strerror(-status));
        return NULL;
    }
    document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    free(text);
    if (document == NULL) {
        state_reject(state, name, "is not JSON");
        return NULL;
    }
    if (json_unpack(document, "{s:i, s:o}", "version", &found, "content", &content) < 0 ||
        found != version) {
        state_reject(state, name, "is not of this version");
        json_decref(document);
        return NULL;
    }
    json_incref(content);
    json_decref(document);
    return content;
}

static struct state_file *
state_file_get(struct state *state, const char *name)
{
    struct state_file *file = state->files;

    while (file != NULL && strcmp(file->name, name) != 0)
        file = file->next;
    if (file != NULL || (file = calloc(1, sizeof(*file))) == NULL)
        return file;
    if (state_file_path(state, name, file->path) < 0) {
        free(file);
        return NULL;
    }
    file->state = state;
    file->name = name;
    file->next = state->files;
    state->files = file;
    return file;
}

static void
waiters_tell(struct waiter *waiters, int error)
{
    while (waiters != NULL) {
        struct waiter *next = waiters->next;
        if (waiters->done != NULL)
            waiters->done(waiters->argument, error);
        free(waiters);
        waiters = next;
    }
}

/* On the helper thread. */
static void
state_file_save(void *argument)
{
    struct state_file *file = argument;

    file->error = file_write_atomic(file->path, file->text, strlen(file->text));
}

static int state_file_begin(struct state_file *file);

static void
state_file_saved(void *argument)
{
    struct state_file *file = argument;
    struct waiter *served = file->served;

    free(file->text);
    file->text = NULL;
    file->served = NULL;
    file->writing = false;
    if (file->error < 0)
        log_error("%s: %s", file->path, strerror(-file->error));
    waiters_tell(served, file->error);
    if (file->waiting != NULL && !file->writing) {
        int error = state_file_begin(file);
        if (error < 0) {
            struct waiter *waiting = file->waiting;
            file->waiting = NULL;
            waiters_tell(waiting, error);
        }
    }
}

static int
state_file_begin(struct state_file *file)
{
    json_t *document =
        json_pack("{s:i, s:o*}", "version", file->version, "content", file->content(file->source));
    int status;

    file->text = document == NULL || json_object_get(document, "content") == NULL
                     ? NULL
                     : json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (file->text == NULL)
        return -ENOMEM;
    status = helper_submit(file->state->helper, state_file_save, state_file_saved, file);
    if (status < 0) {
        free(file->text);
        file->text = NULL;
        return status;
    }
    file->served = file->waiting;
    file->waiting = NULL;
    file->writing = true;
    return 0;
}

int
state_write(struct state *state, const char *name, int version, json_t *(*content)(void *source),
            void *source, void (*done)(void *argument, int error), void *argument)
{
    struct state_file *file = state_file_get(state, name);
    struct waiter *waiter = malloc(sizeof(*waiter));
    int status;

    if (file == NULL || waiter == NULL) {
        free(waiter);
        return -ENOMEM;
    }
    file->version = version;
    file->content = content;
    file->source = source;
    *waiter = (struct waiter){ file->waiting, done, argument };
    file->waiting = waiter;
    if (file->writing)
        return 0;
    status = state_file_begin(file);
    if (status < 0) {
        file->waiting = waiter->next;
        free(waiter);
    }
    return status;
}
