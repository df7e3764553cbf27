#include "cli/app.h"
#include "cli/author.h"
#include "engine/note.h"

bool cli_app_note_token(struct cli *c, const struct job *job, bool had_one, struct err *err)
{
    struct json *token = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .app_id = job->id,
        .app_name = job->name,
        .subject = STR("secret SecretToken"),
        .before = had_one ? token : NULL,
        .after = token,
    };

    json_add_z(c->arena, token, "SecretToken", AUDIT_MASK);
    return cli_note(c, &change, err);
}

bool cli_app_note_added(struct cli *c, const struct job *job, struct err *err)
{
    const struct audit_change change = {
        .activity = AUDIT_ADD,
        .app_id = job->id,
        .app_name = job->name,
        .subject = STR("application"),
        .after = engine_note_job(c->arena, job),
    };

    return cli_note(c, &change, err) && cli_app_note_token(c, job, false, err);
}
