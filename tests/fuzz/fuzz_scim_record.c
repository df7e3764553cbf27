/* Recordings of exchanges with an application, kept and found again. An input is either a file as
 * somebody may have edited it, or, beginning with '!', an exchange in parts, separated by lines of
 * three dashes: target, body of the request, Content-Type, body of the answer.
 *
 * What must hold: a file is loaded or refused, and what is loaded is found by what was asked; what
 * is recorded can be loaded, is found by the same request, and does not have the token. */
#include "base/file.h"
#include "base/unicode.h"
#include "connector/scim/call.h"
#include "connector/scim/record.h"
#include "job/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "t0ken-that-nobody-guesses"

static char folder[64], file[80];
static struct target *target;

static void start(void)
{
    static char bytes[] = TOKEN;
    static struct secret token = {.bytes = bytes, .len = sizeof(bytes) - 1};
    static struct mapping_attribute attribute = {
        .target = STR_INIT("userName"), .type = ATTRIBUTE_STRING, .matching_priority = 1};
    static struct mapping_object object = {.name = STR_INIT("users"),
                                           .kind = SOURCE_USER,
                                           .enabled = true,
                                           .attributes = &attribute,
                                           .attribute_count = 1};
    static const struct mapping_program program = {&object, 1};
    struct job_settings settings;
    struct err err = {0};

    (void)snprintf(folder, sizeof(folder), "/tmp/fuzz_scim_record.XXXXXX");
    if (!mkdtemp(folder))
        abort();
    (void)snprintf(file, sizeof(file), "%s/000001.json", folder);
    job_settings_default(&settings);
    if (!target_open_scim(&program,
                          &(struct target_scim_config){.base_url = STR("http://127.0.0.1:1"),
                                                       .token = &token,
                                                       .settings = &settings},
                          &target, &err))
        abort();
}

static void edited(struct arena *a, struct str text)
{
    struct scim_replay *replay;
    struct json *document;
    const struct json *request, *body;
    struct err err = {0};
    size_t count;

    if (!file_create(file, text, 0600, &err))
        abort();
    if (!scim_replay_load(a, folder, &replay, &count, &err)) {
        assert(err.kind == ERR_INVALID || err.kind == ERR_LIMIT);
        return;
    }
    assert(count == 1);
    if (!json_parse(a, text, NULL, &document, NULL, NULL))
        return; /* too deep for us alone */
    request = json_get(document, STR("request"));
    body = json_get(request, STR("body"));
    assert(!scim_replay_find(replay, a, STR("NONE"), STR("/nowhere"), STR("")));
    if (!body || body->type == JSON_OBJECT) {
        assert(scim_replay_find(replay, a, json_get_text(request, "method"),
                                json_get_text(request, "target"),
                                body ? json_text(a, body) : STR("")));
    }
}

static struct str part(struct str *rest)
{
    struct str head = *rest;
    size_t at;

    if (!str_find(*rest, STR("\n---\n"), &at)) {
        *rest = STR("");
        return head;
    }
    *rest = str_from(*rest, at + 5);
    return str_sub(head, 0, at);
}

/* What a client sends: without the token, and nothing that would be masked. */
static bool is_target(struct str text)
{
    size_t at;

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] >= 0x7f ||
            text.ptr[i] == '"')
            return false;
    }
    return !str_find(text, STR(TOKEN), &at);
}

static void recorded(struct arena *a, struct str rest)
{
    struct http_answer answer = {.status = 200, .retry_after_ms = -1};
    struct http_client_exchange x = {.method = HTTP_POST, .answer = &answer};
    struct scim_record *record;
    struct scim_replay *replay;
    struct err err = {0};
    struct str kept;
    size_t count, at;

    x.target = part(&rest);
    x.body = part(&rest);
    answer.content_type = answer.etag = answer.location = part(&rest);
    answer.body = rest;
    if (!scim_record_new(scim_of(target), folder, &record, &err))
        abort();
    scim_record_exchange(record, &x);
    scim_record_free(record);
    if (!file_read(a, file, 1 << 26, &kept, &err))
        abort();
    assert(!str_find(kept, STR(TOKEN), &at));
    assert(scim_replay_load(a, folder, &replay, &count, &err) && count == 1);
    if (is_target(x.target) && x.body.len == 0)
        assert(scim_replay_find(replay, a, STR("POST"), x.target, STR("")));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct arena *a;

    if (!target)
        start();
    a = arena_new();
    (void)unlink(file);
    if (size > 0 && data[0] == '!') {
        recorded(a, str_from(input, 1));
    } else {
        edited(a, input);
    }
    arena_free(a);
    return 0;
}
