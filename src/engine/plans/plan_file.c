#include "engine/plans/plan_file.h"

#include "connector/source.h"

#include <errno.h>

enum { VERSION_CHARS = 32, ROW_CHANGES_MAX = 10000 };

static const char *const purpose_names[] = {[PLAN_OF_CYCLE] = "cycle", [PLAN_OF_UNDO] = "undo"};
static_assert(ARRAY_LEN(purpose_names) == PLAN_PURPOSE_COUNT, "every purpose has a name");

static const struct str zeros =
    STR_INIT("0000000000000000000000000000000000000000000000000000000000000000");
static const struct str digest_member = STR_INIT("\"digest\":\"");

/* "cycle", "undo" */
static const char *purpose_name(enum plan_purpose p)
{
    return purpose_names[p];
}

/* --- versions --- */

static struct str digest_of(struct arena *a, struct str text)
{
    char hex[SHA256_HEX_MAX];

    return arena_str(a, str_sub(sha256_hex(text, hex), 0, VERSION_CHARS));
}

struct str plan_source_version(struct arena *a, const struct source_entry *e)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, SIZE_MAX - 1);
    buf_addf(&text, "%d%d%d%d\n", e->gone, e->soft_deleted, e->enabled, e->assigned);
    if (e->attributes)
        json_write(&text, e->attributes);
    return digest_of(a, buf_str(&text));
}

struct str plan_target_version(struct arena *a, struct str exported)
{
    return digest_of(a, exported);
}

/* --- rows --- */

static void add_value(struct arena *a, struct json *object, struct str name, const struct json *v)
{
    json_add(a, object, name, v ? json_clone(a, v) : json_null(a));
}

struct json *plan_row_json(struct arena *a, const struct plan_row *row)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *changes = json_new(a, JSON_ARRAY);

    json_add_z(a, v, "action", plan_intent_name(row->intent));
    json_add_z(a, v, "kind", row->kind == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "sourceId", row->source_id);
    json_add_str(a, v, "name", row->source_name);
    json_add_str(a, v, "targetId", row->target_id);
    json_add_str(a, v, "reason", row->reason);
    if (row->code.len)
        json_add_str(a, v, "code", row->code);
    if (row->source_version.len)
        json_add_str(a, v, "sourceVersion", row->source_version);
    if (row->target_version.len)
        json_add_str(a, v, "targetVersion", row->target_version);
    for (size_t i = 0; i < row->change_count; i++) {
        const struct journal_property *p = &row->changes[i];
        struct json *change = json_new(a, JSON_OBJECT);

        json_add_str(a, change, "attribute", p->name);
        add_value(a, change, STR("before"), p->before);
        add_value(a, change, STR("after"), p->after);
        json_append(changes, change);
    }
    json_add(a, v, STR("changes"), changes);
    return v;
}

static bool unreadable(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "planUnreadable", "this is no plan of usher: %s", what);
}

static bool intent_from_name(struct str name, enum plan_intent *out)
{
    for (int i = 0; i < INTENT_COUNT; i++) {
        if (str_eq_z(name, plan_intent_name((enum plan_intent)i))) {
            *out = (enum plan_intent)i;
            return true;
        }
    }
    return false;
}

static const struct json *value_of(const struct json *change, const char *name)
{
    const struct json *v = json_get(change, str_from_z(name));

    return json_is(v, JSON_NULL) ? NULL : v;
}

static bool parse_changes(struct arena *a, const struct json *list, struct plan_row *out,
                          struct err *err)
{
    struct journal_property *changes;

    if (!json_is(list, JSON_ARRAY) || list->count > ROW_CHANGES_MAX)
        return unreadable(err, "a row needs its changes");
    changes = ARENA_ARRAY(a, struct journal_property, list->count);
    out->changes = changes;
    JSON_EACH(item, list)
    {
        struct journal_property *p = &changes[out->change_count++];

        if (!json_is(item, JSON_OBJECT))
            return unreadable(err, "a change is an object");
        p->name = json_get_text(item, "attribute");
        p->before = value_of(item, "before");
        p->after = value_of(item, "after");
        if (p->name.len == 0)
            return unreadable(err, "a change names its attribute");
    }
    return true;
}

bool plan_row_parse(struct arena *a, struct str line, struct plan_row *out, struct err *err)
{
    struct json_limits limits = {.max_bytes = PLAN_LINE_MAX};
    struct json *v;
    struct str kind;

    *out = (struct plan_row){0};
    if (!json_parse(a, line, &limits, &v, NULL, err))
        return unreadable(err, "a row is JSON");
    if (!json_is(v, JSON_OBJECT) || !intent_from_name(json_get_text(v, "action"), &out->intent))
        return unreadable(err, "a row has an action");
    kind = json_get_text(v, "kind");
    if (!str_eq_z(kind, "user") && !str_eq_z(kind, "group"))
        return unreadable(err, "a row is of a user or a group");
    out->kind = str_eq_z(kind, "user") ? SOURCE_USER : SOURCE_GROUP;
    out->source_id = json_get_text(v, "sourceId");
    if (out->source_id.len == 0)
        return unreadable(err, "a row has a sourceId");
    out->source_name = json_get_text(v, "name");
    out->target_id = json_get_text(v, "targetId");
    out->reason = json_get_text(v, "reason");
    out->code = json_get_text(v, "code");
    out->source_version = json_get_text(v, "sourceVersion");
    out->target_version = json_get_text(v, "targetVersion");
    return parse_changes(a, json_get(v, STR("changes")), out, err);
}

/* --- the head --- */

static struct json *counts_json(struct arena *a, const struct plan_counts *n)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "read", n->read);
    for (int i = 0; i < INTENT_COUNT; i++)
        json_add_int(a, v, plan_intent_name((enum plan_intent)i), n->by_intent[i]);
    json_add_int(a, v, "failed", n->failed);
    return v;
}

struct json *plan_head_json(struct arena *a, const struct plan_head *head)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *job = json_new(a, JSON_OBJECT);
    char text[TIME_TEXT_MAX];

    json_add_int(a, v, "usherPlan", PLAN_FORMAT);
    json_add_z(a, v, "purpose", purpose_name(head->purpose));
    json_add_str(a, job, "id", head->job_id);
    json_add_str(a, job, "name", head->job_name);
    json_add(a, v, STR("job"), job);
    json_add_str(a, v, "baseUrl", head->base_url);
    json_add_str(a, v, "database", head->database);
    json_add_int(a, v, "configuration", head->schema_version);
    if (head->settings)
        json_add(a, v, STR("settings"), json_clone(a, head->settings));
    json_add_str(a, v, "watermark", head->watermark);
    json_add_bool(a, v, "everybody", head->everybody);
    json_add_bool(a, v, "asked", head->asked);
    if (head->purpose == PLAN_OF_UNDO)
        json_add_str(a, v, "undoes", head->undone_cycle);
    json_add_str(a, v, "made", time_write(head->made_us, text));
    json_add(a, v, STR("counts"), counts_json(a, &head->counts));
    json_add_int(a, v, "rows", head->rows);
    json_add_str(a, v, "digest", head->digest); /* the last member: see with_zeros */
    return v;
}

static void parse_counts(const struct json *v, struct plan_counts *out)
{
    out->read = json_get_int(v, "read", 0);
    out->failed = json_get_int(v, "failed", 0);
    for (int i = 0; i < INTENT_COUNT; i++)
        out->by_intent[i] = json_get_int(v, plan_intent_name((enum plan_intent)i), 0);
}

bool plan_head_parse(struct arena *a, struct str line, struct plan_head *out, struct err *err)
{
    const struct json *job;
    struct json *v;
    int64_t format;

    *out = (struct plan_head){0};
    if (!json_parse(a, line, NULL, &v, NULL, err) || !json_is(v, JSON_OBJECT) ||
        !json_get(v, STR("usherPlan")))
        return unreadable(err, "its first line is not the head of one");
    format = json_get_int(v, "usherPlan", 0);
    if (format != PLAN_FORMAT) {
        return err_set(err, ERR_INVALID, "planFormat",
                       "the plan has format %lld, this usher knows %d: use the usher that made it",
                       (long long)format, PLAN_FORMAT);
    }
    job = json_get(v, STR("job"));
    out->purpose = str_eq_z(json_get_text(v, "purpose"), "undo") ? PLAN_OF_UNDO : PLAN_OF_CYCLE;
    out->job_id = json_is(job, JSON_OBJECT) ? json_get_text(job, "id") : (struct str){0};
    out->job_name = json_is(job, JSON_OBJECT) ? json_get_text(job, "name") : (struct str){0};
    out->base_url = json_get_text(v, "baseUrl");
    out->database = json_get_text(v, "database");
    out->schema_version = json_get_int(v, "configuration", 0);
    out->settings = json_get(v, STR("settings"));
    if (out->settings && !json_is(out->settings, JSON_OBJECT))
        return unreadable(err, "its settings are no object");
    out->watermark = json_get_text(v, "watermark");
    out->everybody = json_get_bool(v, "everybody", false);
    out->asked = json_get_bool(v, "asked", false);
    out->undone_cycle = json_get_text(v, "undoes");
    out->rows = json_get_int(v, "rows", -1);
    out->digest = json_get_text(v, "digest");
    if (json_is(json_get(v, STR("counts")), JSON_OBJECT))
        parse_counts(json_get(v, STR("counts")), &out->counts);
    if (!time_parse(json_get_text(v, "made"), &out->made_us) || out->job_id.len == 0 ||
        out->digest.len != zeros.len || out->rows < 0)
        return unreadable(err, "its head is not complete");
    return true;
}

/* --- writing --- */

bool plan_writer_open(struct plan_writer *w, const char *path, struct err *err)
{
    *w = (struct plan_writer){0};
    if (!file_draft_open(&w->draft, path, 0600, err))
        return false;
    w->tmp = arena_new();
    sha256_init(&w->hash);
    return fseek(w->draft.stream, PLAN_HEAD_BYTES, SEEK_SET) == 0 ||
           err_set(err, ERR_INTERNAL, "fileIo", "cannot write '%s': it cannot be sought in", path);
}

static bool put(struct plan_writer *w, struct str text, struct err *err)
{
    return fwrite(text.ptr, 1, text.len, w->draft.stream) == text.len ||
           err_set(err, ERR_UNAVAILABLE, "diskFull", "cannot write '%s': %s", w->draft.path,
                   errno == ENOSPC ? "the disk is full" : "writing failed");
}

bool plan_writer_add(struct plan_writer *w, const struct plan_row *row, struct err *err)
{
    CLEANUP(buf_done) struct buf line;

    arena_reset(w->tmp);
    buf_init(&line, PLAN_LINE_MAX);
    json_write(&line, plan_row_json(w->tmp, row));
    buf_add_char(&line, '\n');
    if (line.overflowed) {
        return err_set(err, ERR_LIMIT, "planRowTooLong", "what is planned for '%.*s' is too long",
                       STR_ARG(row->source_name));
    }
    sha256_add(&w->hash, buf_str(&line));
    w->rows++;
    return put(w, buf_str(&line), err);
}

/* The head's line with zeros where its digest stands. */
static bool with_zeros(struct arena *a, struct str line, struct str *out)
{
    size_t at = 0;
    struct str rest = line;
    size_t found;
    char *copy;

    while (str_find(rest, digest_member, &found)) {
        at += found + digest_member.len;
        rest = str_from(line, at);
    }
    if (at == 0 || line.len - at < zeros.len)
        return false;
    copy = arena_z(a, line);
    memcpy(copy + at, zeros.ptr, zeros.len);
    *out = (struct str){copy, line.len};
    return true;
}

static bool head_line(struct arena *a, const struct plan_head *head, struct str *out,
                      struct err *err)
{
    struct str text = json_text(a, plan_head_json(a, head));
    char *line = arena_alloc(a, PLAN_HEAD_BYTES);

    if (text.len >= PLAN_HEAD_BYTES)
        return err_set(err, ERR_LIMIT, "planHeadTooLong", "the head of the plan is too long");
    memset(line, ' ', PLAN_HEAD_BYTES - 1);
    memcpy(line, text.ptr, text.len);
    line[PLAN_HEAD_BYTES - 1] = '\n';
    *out = (struct str){line, PLAN_HEAD_BYTES};
    return true;
}

bool plan_writer_finish(struct plan_writer *w, struct plan_head *head, struct err *err)
{
    struct str line;

    arena_reset(w->tmp);
    head->rows = w->rows;
    head->digest = zeros;
    if (!head_line(w->tmp, head, &line, err))
        return false;
    sha256_add(&w->hash, line);
    head->digest = sha256_end(&w->hash, w->hex);
    if (!head_line(w->tmp, head, &line, err))
        return false;
    return (fseek(w->draft.stream, 0, SEEK_SET) == 0 ||
            err_set(err, ERR_INTERNAL, "fileIo", "cannot write '%s'", w->draft.path)) &&
           put(w, line, err) && file_draft_commit(&w->draft, err);
}

void plan_writer_drop(struct plan_writer *w)
{
    file_draft_drop(&w->draft);
    arena_free(w->tmp);
    *w = (struct plan_writer){0};
}

/* --- reading --- */

/* A line with its end; *out is empty at the end of the file. */
static bool read_line(struct plan_reader *r, struct str *out, struct err *err)
{
    int c;

    buf_reset(&r->line);
    r->line.overflowed = false;
    r->line_no++;
    /* Nobody else has the stream. */
    while ((c = getc_unlocked(r->stream)) != EOF) { /* NOLINT(concurrency-mt-unsafe) */
        buf_add_char(&r->line, (char)c);
        if (c == '\n' || r->line.overflowed)
            break;
    }
    *out = buf_str(&r->line);
    if (r->line.overflowed) {
        unreadable(err, "a line is too long");
    } else if (c == EOF && ferror(r->stream)) {
        err_fill(err, ERR_INTERNAL, "fileIo", "reading failed");
    } else if (c == EOF && out->len > 0) {
        err_fill(err, ERR_INVALID, "planEdited", "the plan ends in the middle of a line");
    } else {
        return true;
    }
    return err_at(err, "%.*s:%lld", STR_ARG(r->name), (long long)r->line_no);
}

static bool check_digest(struct plan_reader *r, struct str head, struct err *err)
{
    struct sha256 hash;
    char hex[SHA256_HEX_MAX];
    struct str line;
    int64_t rows = 0;

    sha256_init(&hash);
    for (;;) {
        if (!read_line(r, &line, err))
            return false;
        if (line.len == 0)
            break;
        rows++;
        sha256_add(&hash, line);
    }
    if (with_zeros(r->arena, head, &line)) {
        sha256_add(&hash, line);
        if (str_eq(sha256_end(&hash, hex), r->head.digest) && rows == r->head.rows)
            return true;
    }
    return err_set(err, ERR_INVALID, "planEdited",
                   "'%.*s' is not as it was saved: it was edited or cut; make the plan again",
                   STR_ARG(r->name));
}

bool plan_reader_open_stream(struct plan_reader *r, FILE *stream, const char *name, struct err *err)
{
    struct str line;

    *r = (struct plan_reader){.stream = stream, .arena = arena_new()};
    r->name = arena_str(r->arena, str_from_z(name));
    buf_init(&r->line, PLAN_LINE_MAX);
    if (!read_line(r, &line, err))
        return false;
    line = arena_str(r->arena, line);
    if (line.len == 0)
        return unreadable(err, "it is empty");
    return plan_head_parse(r->arena, line, &r->head, err) && check_digest(r, line, err) &&
           plan_reader_rewind(r, err);
}

bool plan_reader_open(struct plan_reader *r, const char *path, struct err *err)
{
    FILE *stream = fopen(path, "re");
    char why[128];

    *r = (struct plan_reader){0};
    if (!stream) {
        int number = errno;

        return err_set(err, number == ENOENT ? ERR_NOT_FOUND : ERR_DENIED,
                       number == ENOENT ? "fileNotFound" : "fileDenied", "cannot read '%s': %s",
                       path, strerror_r(number, why, sizeof(why)));
    }
    return plan_reader_open_stream(r, stream, path, err);
}

static bool read_twice(struct plan_reader *r, struct err *err)
{
    return err_set(err, ERR_INVALID, "planUnreadable", "'%.*s' is read twice: give the file itself",
                   STR_ARG(r->name));
}

bool plan_reader_rewind(struct plan_reader *r, struct err *err)
{
    struct str head;

    return plan_reader_seek(r, (struct plan_place){0}, err) && read_line(r, &head, err);
}

bool plan_reader_tell(struct plan_reader *r, struct plan_place *out, struct err *err)
{
    off_t at = ftello(r->stream);

    if (at < 0)
        return read_twice(r, err);
    *out = (struct plan_place){.line_no = r->line_no, .offset = at};
    return true;
}

bool plan_reader_seek(struct plan_reader *r, struct plan_place place, struct err *err)
{
    clearerr(r->stream);
    r->line_no = place.line_no;
    return fseeko(r->stream, place.offset, SEEK_SET) == 0 || read_twice(r, err);
}

bool plan_reader_next(struct plan_reader *r, struct arena *a, struct plan_row *out, bool *out_row,
                      struct err *err)
{
    struct str line;

    if (!read_line(r, &line, err))
        return false;
    *out_row = line.len > 0;
    return line.len == 0 || plan_row_parse(a, line, out, err) ||
           err_at(err, "%.*s:%lld", STR_ARG(r->name), (long long)r->line_no);
}

void plan_reader_close(struct plan_reader *r)
{
    if (r->stream)
        (void)fclose(r->stream);
    buf_done(&r->line);
    arena_free(r->arena);
    *r = (struct plan_reader){0};
}
