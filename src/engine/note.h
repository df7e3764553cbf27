/* What the engine tells the audit log (engine.md 13.5): each change of a job's configuration, in
 * the transaction that makes it. */
#pragma once

#include "engine/engine.h"
#include "journal/audit.h"

/* Appends a record about the job; author empty: the engine's. before and after may be NULL. */
struct engine_note {
    enum audit_activity activity;
    struct str author, subject;
    const struct json *before, *after;
};
MUST_USE bool engine_note(const struct engine *e, struct db *db, const struct job *job,
                          const struct engine_note *note, struct err *err);
/* A job's record as an administrator sets it. */
struct json *engine_note_job(struct arena *a, const struct job *job);
