#include "notify/webhook.h"

#include "base/clock.h"
#include "notify/host.h"
#include "notify/words.h"

enum { TIMEOUT_MS = 10000, WAIT_MS = 500 };

bool notify_webhook_check(struct str url, struct err *err)
{
    struct http_url parts;

    if (!http_url_parse(url, &parts, err))
        return err_wrap(err, "the webhook");
    if (str_eq_ascii_nocase(parts.scheme, STR("https")) || notify_host_is_local(parts.host))
        return true;
    return err_set(err, ERR_INVALID, "badWebhook",
                   "a webhook is https://..., or http:// to this machine only, not '%.*s'",
                   STR_ARG(str_sub(url, 0, 200)));
}

struct str notify_webhook_body(struct arena *a, const struct notify_part *part, struct str link)
{
    struct notify_words words = notify_words(a, part, link);
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add(a, v, STR("id"),
             json_string(
                 a, arena_printf(a, "%.*s/%.*s",
                                 STR_ARG(json_get_text(json_get(part->content, STR("job")), "id")),
                                 STR_ARG(part->id))));
    json_add_z(a, v, "kind", notify_kind_name(part->kind));
    json_add_str(a, v, "at", time_write(part->at_us, at));
    json_add_str(a, v, "subject", words.subject);
    json_add_str(a, v, "text", words.text);
    if (link.len)
        json_add_str(a, v, "link", link);
    JSON_EACH(member, part->content)
    json_set(a, v, member->name, json_clone(a, member));
    return json_text(a, v);
}

struct str notify_webhook_signature(struct arena *a, const struct secret *secret, int64_t at_us,
                                    struct str body)
{
    long long seconds = at_us / US_PER_SECOND;
    char hex[SHA256_HEX_MAX];

    hmac_sha256_hex(secret, arena_printf(a, "%lld.%.*s", seconds, STR_ARG(body)), hex);
    return arena_printf(a, "t=%lld,v1=%s", seconds, hex);
}

static struct str host_of(struct str url)
{
    struct http_url parts;
    struct err ignored;

    return http_url_parse(url, &parts, &ignored) ? str_sub(parts.host, 0, 200) : STR("webhook");
}

enum notify_outcome notify_webhook_outcome(struct str url, const struct http_answer *answer,
                                           struct err *err)
{
    struct str host = host_of(url);

    if (answer->failure != HTTP_OK) {
        err_fill(err, ERR_UNAVAILABLE, "webhookFailed", "%.*s: %s", STR_ARG(host), answer->reason);
    } else if (answer->status < 200 || answer->status > 299) {
        err_fill(err, ERR_UNAVAILABLE, "webhookRefused", "%.*s answered %d", STR_ARG(host),
                 answer->status);
        if (answer->status == 410) /* Gone: says that it wants no more */
            return NOTIFY_OUTCOME_REFUSED;
    } else {
        return NOTIFY_OUTCOME_SENT;
    }
    return NOTIFY_OUTCOME_LATER;
}

void notify_webhook_start(struct http_client *client, struct str url, struct str signature,
                          struct str body, http_client_done *done, void *ctx)
{
    const struct http_header headers[] = {{"Usher-Signature", signature}};
    struct http_call_options call = {
        .method = HTTP_POST,
        .url = url,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = body,
        .content_type = "application/json",
        .timeout_ms = TIMEOUT_MS,
    };

    http_client_send(client, &call, done, ctx);
}

struct posting {
    bool done;
    enum notify_outcome outcome;
    struct str url;
    struct err *err;
};

static void on_done(void *ctx, const struct http_answer *answer)
{
    struct posting *p = ctx;

    p->done = true;
    p->outcome = notify_webhook_outcome(p->url, answer, p->err);
}

enum notify_outcome notify_webhook_send(struct http_client *client, struct str url,
                                        struct str signature, struct str body, struct err *err)
{
    struct posting p = {.url = url, .err = err};

    notify_webhook_start(client, url, signature, body, on_done, &p);
    while (!p.done)
        (void)http_client_run(client, WAIT_MS);
    return p.outcome;
}
