/* SPDX-License-Identifier: BSD-3-Clause */

/* Changing an interface while it is there: its rates, what SYNs may offer, and whether it is up.
 * The change is in force at once; who asked is told when the state directory knows it. */

#include "control/interfaces_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/control.h"

static int
refuse(struct config_error *error, int code, const char *text)
{
    snprintf(error->field, sizeof(error->field), "name");
    snprintf(error->text, sizeof(error->text), "%s", text);
    return code;
}

static void
change_step(struct record *record)
{
    struct config_error what;

    if (--record->pending > 0)
        return;
    record->changing = false;
    if (record->error < 0)
        refuse(&what, record->error, "changed, but the state directory cannot be written");
    record_tell(record, record->error, record->error < 0 ? &what : NULL);
}

static void
change_saved(void *argument, int error)
{
    struct record *record = argument;

    if (record->error == 0)
        record->error = error;
    change_step(record);
}

/* Takes over from `wanted` what may be changed. */
static int
change_apply(struct record *record, const struct vif_config *wanted)
{
    struct vif_config *config = &record->shown.config, before = *config;
    int error;

    config->rate_in = wanted->rate_in;
    config->rate_out = wanted->rate_out;
    config->mss_clamp = wanted->mss_clamp;
    config->up = wanted->up;
    if (record->shown.id == VIF_NONE)
        return 0;
    error = record_replace(record, record->shown.state == INTERFACE_UP);
    if (error < 0) {
        *config = before;
        return error;
    }
    if (config->up && !before.up && access_port_is_up(record->access))
        record_sequence(record, true);
    record_settle(record);
    return 0;
}

int
interface_change(struct interfaces *interfaces, const struct vif_config *wanted,
                 interface_done done, void *argument, struct config_error *error)
{
    struct record *record = record_find(interfaces, wanted->name);
    int status;

    if (record == NULL)
        return refuse(error, -ENOENT, "no such interface");
    if (record->shown.state == INTERFACE_OPENING || record->shown.state == INTERFACE_CLOSING ||
        record->changing)
        return refuse(error, -EBUSY, "it is just being made, changed or deleted");
    status = change_apply(record, wanted);
    if (status < 0)
        return refuse(error, status, strerror(-status));
    record->changing = true;
    record->done = done;
    record->argument = argument;
    record->error = 0;
    record->pending = 1; /* this function */
    record->pending += interfaces_write(interfaces, change_saved, record, &record->error);
    change_step(record);
    return 0;
}
