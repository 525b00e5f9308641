/* SPDX-License-Identifier: BSD-3-Clause */

/* One question to the daemon, which may take several requests: a list comes in pages. */

#include "control/cli/verbs.h"

int
cli_call(struct rpc_client *client, const struct cli_verb *verb, json_t *params, json_t **whole,
         struct rpc_client_error *error)
{
    bool more = true;

    *whole = NULL;
    while (more) {
        json_t *result = NULL;
        int status = rpc_client_call(client, verb->method, json_deep_copy(params), &result, error);
        if (status != 0) {
            json_decref(*whole);
            *whole = NULL;
            return status;
        }
        json_t *next = json_incref(json_object_get(result, "next"));
        more = verb->list != NULL && json_is_string(next);
        if (*whole == NULL)
            *whole = json_incref(result);
        else
            json_array_extend(json_object_get(*whole, verb->list),
                              json_object_get(result, verb->list));
        json_object_del(*whole, "next");
        if (more)
            json_object_set(params, "after", next);
        json_decref(next);
        json_decref(result);
    }
    return 0;
}
