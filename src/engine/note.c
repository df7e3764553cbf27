#include "engine/note.h"

/* Who acts through this engine. */
static struct audit audit_of(const struct engine *e)
{
    return (struct audit){.key = e->key, .clock = e->clock, .author = e->author};
}

bool engine_note(const struct engine *e, struct db *db, const struct job *job,
                 const struct engine_note *note, struct err *err)
{
    const struct audit_change change = {
        .activity = note->activity,
        .app_id = job->id,
        .app_name = job->name,
        .subject = note->subject,
        .before = note->before,
        .after = note->after,
    };
    struct audit who = audit_of(e);

    if (note->author.len)
        who.author = note->author;
    return audit_append(db, &who, &change, err);
}

struct json *engine_note_job(struct arena *a, const struct job *job)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char text[TIME_TEXT_MAX];

    json_add_str(a, v, "name", job->name);
    json_add_str(a, v, "template", job->template_id);
    json_add_str(a, v, "url", job->base_url);
    json_add_z(a, v, "scope", job_scope_name(job->scope));
    json_add_str(a, v, "interval", duration_write(job->interval_us, text));
    json_add_str(a, v, "notificationMail", job->notification_mail);
    return v;
}
