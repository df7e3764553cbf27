/* Works on the queue: claims a message, sends it, records how it went. Two threads, so that a slow
 * webhook keeps no mail waiting; several processes may do so on one database. */
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "notify/queue.h"
#include "notify/smtp.h"

#include <stdatomic.h>

/* How messages are sent; borrowed for as long as the sender lives. */
struct notify_sending {
    const struct db_config *db;
    const struct clock *clock;
    struct rng *rng;
    struct notify_smtp smtp; /* url NULL: mails wait */
    const char *ca_file;     /* PEM of a private authority, for webhooks; NULL */
    struct str link;         /* where the console is; or empty */
    /* The secret that signs the webhook of a job. ERR_NOT_FOUND when there is none. */
    bool (*webhook_secret)(void *ctx, struct db *db, int64_t job_no, struct secret *out,
                           struct err *err);
    void *ctx;
};

struct notify_sent {
    int64_t sent, failed;
    bool unreachable; /* the mail server: the rest was not tried */
    struct err err;   /* of the last that failed */
};
/* Sends everything of a channel that is due, of one job or (0) of all; ends early when *stop
 * becomes true. False when the queue could not be read. */
MUST_USE bool notify_send_due(const struct notify_sending *how, struct db *db,
                              enum notify_channel channel, int64_t job_no, const atomic_bool *stop,
                              struct notify_sent *out, struct err *err);

/* Sends one event to one recipient now, beside the queue. err is filled when it was not sent. */
MUST_USE bool notify_send_now(const struct notify_sending *how, struct db *db,
                              enum notify_channel channel, struct str recipient,
                              const struct notify_event *e, struct err *err);

struct notify_sender;
MUST_USE bool notify_sender_start(const struct notify_sending *how, struct notify_sender **out,
                                  struct err *err);
/* What is being sent ends first, a mail that the server has not got wholly is left in the queue.
 * NULL is fine. */
void notify_sender_stop(struct notify_sender *s);
