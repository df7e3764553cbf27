/* Sends the provisioning log of jobs on as it is written, to where the setting journal.stream says
 * (engine.md 13.3): a file of JSON Lines ("file:PATH", appended to), a syslog receiver
 * (notify/syslog.h) or a signed webhook ("https://…", {"job": {…}, "records": […]}, by the rules of
 * notify/webhook.h). In the order of the log, each record at least once; a receiver that is away
 * keeps nothing waiting but itself, and gets what it has missed when it is back, as far as it is
 * still kept. */
#pragma once

#include "engine/engine.h"
#include "notify/sender.h"

/* ERR_INVALID "badStream" and those of the places. Empty is fine: nothing is sent on. */
MUST_USE bool engine_stream_check(struct str to, struct err *err);
/* In the transaction that saves the setting: what is recorded from now on is sent on. */
MUST_USE bool engine_stream_follow(struct db *db, struct arena *a, int64_t job_no, struct str to,
                                   struct err *err);

/* Sends what is due, of all jobs, until there is nothing more or *stop. *out_sent: records. how is
 * that of the notices: its database, authority and secrets. */
MUST_USE bool engine_stream_due(const struct notify_sending *how, struct db *db,
                                const atomic_bool *stop, int64_t *out_sent, struct err *err);

/* A thread that does so every second. Several processes may on one database. */
struct engine_streamer;
MUST_USE bool engine_streamer_start(const struct notify_sending *how, struct engine_streamer **out,
                                    struct err *err);
void engine_streamer_stop(struct engine_streamer *s); /* NULL is fine */
