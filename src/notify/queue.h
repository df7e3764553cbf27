/* The queue as the sender sees it: claim a message, send it, say how it went. A claim is a row
 * update committed before anything is sent, so that of two processes one has it; it ends by itself
 * when its holder dies. For sender.h, which is what others use. */
#pragma once

#include "notify/notify.h"

/* Longer than any attempt to send takes. */
#define NOTIFY_CLAIM_US     (5 * US_PER_MINUTE)
#define NOTIFY_TRY_US       (5 * US_PER_DAY) /* so long a message is tried */
#define NOTIFY_REFUSED_US   US_PER_DAY       /* ... and so long one that is refused for good */
#define NOTIFY_RETENTION_US (90 * US_PER_DAY)

/* A message that is claimed, with what it tells, oldest first. */
struct notify_part {
    struct str id; /* of the event */
    enum notify_kind kind;
    int64_t at_us;
    struct json *content;
};
struct notify_message {
    struct str id;
    int64_t job_no;
    enum notify_channel channel;
    struct str recipient;
    int64_t created_us;
    int64_t attempts; /* this one counted */
    struct str claim;
    const struct notify_part *parts;
    size_t part_count;
};

/* Claims the next message of a channel that is due at now_us, for NOTIFY_CLAIM_US; claim names this
 * attempt and is used once. job_no 0: of any job. Not inside a transaction. Texts in a. */
MUST_USE bool notify_claim(struct db *db, struct arena *a, enum notify_channel channel,
                           int64_t job_no, struct str claim, int64_t now_us,
                           struct notify_message *out, bool *out_found, struct err *err);

enum notify_outcome {
    NOTIFY_OUTCOME_SENT,
    NOTIFY_OUTCOME_LATER,   /* try again: 1, 2, 4 ... 60 minutes, for five days */
    NOTIFY_OUTCOME_REFUSED, /* for good, as far as the other side says: every hour, for a day */
};
/* Records how it went and gives the claim back. Nothing happens when the claim is no longer ours.
 */
MUST_USE bool notify_finish(struct db *db, const struct notify_message *m,
                            enum notify_outcome outcome, struct str error, int64_t now_us,
                            struct err *err);
/* When a message that was tried so often is tried again. */
int64_t notify_pause_us(enum notify_outcome outcome, int64_t attempts);

/* Makes everything that waits or was given up due now; job_no 0: of all jobs. */
MUST_USE bool notify_retry_all(struct db *db, int64_t job_no, int64_t now_us, int64_t *out_count,
                               struct err *err);
/* Forgets what is older than the retention and gives up what nobody has sent for as long as a
 * message is tried. */
MUST_USE bool notify_tidy(struct db *db, int64_t now_us, struct err *err);
