/* The connections of a job in an administrator's hands (engine.md 11.1): looked up, set, taken
 * away. Nothing happens to the object or to the account by that; the next look at the object acts
 * on it. */
#pragma once

#include "engine/engine.h"
#include "job/connection.h"

/* Finds the connection of a source id, of an account's id, or of whom the source means by that
 * name, in this order. Texts of *out are in a. ERR_NOT_FOUND "notConnected". */
MUST_USE bool engine_connection_find(const struct engine *e, int64_t job_no, struct str who,
                                     struct arena *a, struct connection *out, struct err *err);

/* Takes away the connection of `who`, found as above. The object is matched again when it is next
 * looked at, which is made due. *out_removed is false when there was none: that is no error.
 * ERR_CONFLICT "jobActive" unless the job is paused, or was never started. */
MUST_USE bool engine_connection_remove(const struct engine *e, int64_t job_no, struct str who,
                                       struct arena *a, bool *out_removed, struct connection *out,
                                       struct err *err);

/* Connects the source object `who` with the account target_id, which is read first, instead of the
 * account that it may have been connected with; what differs is sent when the object is next looked
 * at, which is made due. *out_was_connected with *out_before: the former one. ERR_CONFLICT
 * "jobActive" as above, "targetTaken" when the account is another object's; ERR_NOT_FOUND
 * "noAccount" when the target does not have it. A protected account stays unwritten. */
MUST_USE bool engine_connection_set(const struct engine *e, int64_t job_no, struct str who,
                                    struct str target_id, struct arena *a, bool *out_was_connected,
                                    struct connection *out_before, struct connection *out,
                                    struct err *err);
