/* Webhooks: one event is one POST of JSON (engine.md 9.8) with
 *     Usher-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">
 * under the secret of that webhook. An answer of 2xx has delivered it; redirects are not followed.
 * A receiver that gets an event again knows it by its id. */
#pragma once

#include "base/secret.h"
#include "http/client.h"
#include "notify/queue.h"

/* https, or http to this machine. ERR_INVALID "badWebhook". */
MUST_USE bool notify_webhook_check(struct str url, struct err *err);

/* {"id", "kind", "at", "subject", "text", "job": {...}, what else the event says}. */
struct str notify_webhook_body(struct arena *a, const struct notify_part *part, struct str link);

/* The value of Usher-Signature. */
struct str notify_webhook_signature(struct arena *a, const struct secret *secret, int64_t at_us,
                                    struct str body);

/* Starts the post on a client that has others, too; done hears of the answer. */
void notify_webhook_start(struct http_client *client, struct str url, struct str signature,
                          struct str body, http_client_done *done, void *ctx);
/* What an answer means; err is filled unless it was taken, and names the host alone: the rest of
 * the URL may be a secret. */
enum notify_outcome notify_webhook_outcome(struct str url, const struct http_answer *answer,
                                           struct err *err);

/* Posts it; takes at most 10 seconds. client has no other request. err is filled unless it was
 * sent.
 */
enum notify_outcome notify_webhook_send(struct http_client *client, struct str url,
                                        struct str signature, struct str body, struct err *err);
