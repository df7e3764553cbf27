/* The settings that a plan was made by, kept in its head (plan_file.h): those that decide what its
 * rows say or whether they may be sent. A new version of the configuration says that something has
 * changed; they say what, and they see changes that make no version (engine.md 3.5, 23). */
#pragma once

#include "base/json.h"
#include "job/job.h"

/* {"scope":"assigned","guard.count":"20",...}: the scope, and what differs from the defaults. */
MUST_USE bool plan_settings(struct db *db, struct arena *a, const struct job *job,
                            struct json **out, struct err *err);
/* ERR_CONFLICT "configurationChanged", which names the first that is another one now. */
MUST_USE bool plan_settings_same(struct arena *a, const struct json *then, const struct json *now,
                                 struct err *err);
