/* The sentence at the top of an explanation: what is, and the one reason for it. */
#include "engine/explain/explain_parts.h"

static struct str quoted(const struct explanation *x)
{
    return arena_printf(x->a, "'%.*s'", STR_ARG(x->entry.display_name));
}

static struct str account(const struct explanation *x)
{
    return x->has_connection ? arena_printf(x->a, "%.*s has account %.*s", STR_ARG(quoted(x)),
                                            STR_ARG(x->connection.target_id))
                             : arena_printf(x->a, "%.*s has no account", STR_ARG(quoted(x)));
}

static struct str parked(const struct explanation *x)
{
    int64_t now_us = x->run->walk_job.now_us;
    char at[TIME_TEXT_MAX];
    struct str when = STR("the next cycle tries it again");

    if (x->retry.next_us > now_us) {
        time_write(x->retry.next_us, at);
        when = arena_printf(x->a, "tried again at %s", at);
    }
    return arena_printf(x->a, "but it failed %lld time%s, last with %.*s (%.*s); %.*s",
                        (long long)x->retry.attempts, x->retry.attempts == 1 ? "" : "s",
                        STR_ARG(x->retry.code), STR_ARG(x->retry.message), STR_ARG(when));
}

/* Why what is to be done has not been done yet. */
static struct str obstacle(const struct explanation *x)
{
    const struct job *job = &x->run->job;

    if (job->quarantined) {
        return arena_printf(x->a, "but the job is in quarantine (%.*s: %.*s)",
                            STR_ARG(job->quarantine_reason), STR_ARG(job->quarantine_message));
    }
    if (job->state != JOB_ACTIVE) {
        return arena_printf(x->a, "but the job is %s: usher start %.*s", job_state_name(job->state),
                            STR_ARG(job->name));
    }
    if (x->has_retry && x->retry.code.len > 0)
        return parked(x);
    if (x->staged)
        return STR("but the guard holds it until an administrator decides");
    return STR("with the next cycle");
}

static struct str out_of_scope(const struct explanation *x)
{
    const struct walk *w = x->w;
    struct arena *a = x->a;
    struct str why = w->out_of_scope_reason;

    if (!x->has_connection)
        return arena_printf(a, "%.*s: %.*s", STR_ARG(account(x)), STR_ARG(why));
    if (w->unchanged || x->connection.soft_deleted) {
        return arena_printf(a, "%.*s, and it is disabled: %.*s", STR_ARG(account(x)), STR_ARG(why));
    }
    return arena_printf(a, "%.*s although out of scope (%.*s): %.*s", STR_ARG(account(x)),
                        STR_ARG(why), STR_ARG(w->message));
}

static struct str failing(const struct explanation *x)
{
    return arena_printf(x->a, "%.*s: its mapping fails with %.*s (%.*s)", STR_ARG(account(x)),
                        STR_ARG(x->w->code), STR_ARG(x->w->message));
}

static struct str nothing_to_do(const struct explanation *x)
{
    const struct walk *w = x->w;
    struct arena *a = x->a;

    if (w->undone) {
        return arena_printf(a, "%.*s, and stays as an undo left it until it is released",
                            STR_ARG(account(x)));
    }
    if (w->status == STATUS_FAILURE)
        return failing(x);
    if (w->not_handled) {
        return arena_printf(a, "%.*s, and nothing is done about it: %.*s", STR_ARG(account(x)),
                            STR_ARG(w->out_of_scope_reason));
    }
    if (!w->in_scope && w->out_of_scope_reason.len > 0)
        return out_of_scope(x);
    return w->unchanged ? arena_printf(a, "%.*s, and it says what it should", STR_ARG(account(x)))
                        : arena_printf(a, "%.*s: %.*s", STR_ARG(account(x)), STR_ARG(w->message));
}

static struct str removal(const struct explanation *x, const char *verb)
{
    return arena_printf(x->a, "%.*s, which is to be %s because %.*s, %.*s", STR_ARG(account(x)),
                        verb, STR_ARG(x->w->out_of_scope_reason), STR_ARG(obstacle(x)));
}

static struct str rejected(const struct explanation *x)
{
    struct str why = x->w->out_of_scope_reason;

    return arena_printf(x->a,
                        "%.*s, and it stays as it is%s%.*s: an administrator has rejected the "
                        "change that the guard held",
                        STR_ARG(account(x)), why.len ? " although " : "", STR_ARG(why));
}

static struct str now(const struct explanation *x)
{
    const struct walk *w = x->w;
    struct arena *a = x->a;

    if (x->rejected)
        return rejected(x);
    switch (w->intent) {
    case INTENT_MATCH_OR_CREATE:
        return arena_printf(a, "%.*s yet: it is in scope and is to be matched or created, %.*s",
                            STR_ARG(account(x)), STR_ARG(obstacle(x)));
    case INTENT_UPDATE:
        return arena_printf(a, "%.*s: %zu attribute%s to be updated, %.*s", STR_ARG(account(x)),
                            w->changes.count, w->changes.count == 1 ? "" : "s",
                            STR_ARG(obstacle(x)));
    case INTENT_DISABLE:
        return removal(x, "disabled");
    case INTENT_DELETE:
        return removal(x, "deleted");
    case INTENT_NOTHING:
    case INTENT_COUNT:
        break;
    }
    return nothing_to_do(x);
}

static struct str had_account(const struct explanation *x)
{
    if (!x->has_connection)
        return arena_printf(x->a, "%.*s had no account", STR_ARG(quoted(x)));
    return arena_printf(x->a, "%.*s had account %.*s", STR_ARG(quoted(x)),
                        STR_ARG(x->connection.target_id));
}

static struct str then(const struct explanation *x)
{
    const struct journal_record *r = x->records;
    struct str why = {0};
    char at[TIME_TEXT_MAX];

    if (x->record_count == 0) {
        return arena_printf(x->a, "The log says nothing of %.*s until then: nothing had been done",
                            STR_ARG(quoted(x)));
    }
    time_write(r->at_us, at);
    if (r->message.len + r->code.len > 0) {
        why = arena_printf(x->a, " (%.*s)", STR_ARG(r->message.len ? r->message : r->code));
    }
    return arena_printf(x->a, "%.*s; the last that was done before was: %s, %s%.*s at %s",
                        STR_ARG(had_account(x)), journal_action_name(r->action),
                        journal_status_name(r->status), STR_ARG(why), at);
}

struct str explain_answer(const struct explanation *x)
{
    return x->at_us != 0 ? then(x) : now(x);
}
