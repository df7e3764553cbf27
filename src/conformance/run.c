#include "conformance/run.h"

#define CONNECTIONS 1
#define TIMEOUT_MS  30000
#define TARGET_MAX  8192 /* bytes of a request line shown */

const char *check_level_name(enum check_level level)
{
    static const char *const names[] = {"MUST", "SHOULD", "Entra", "Okta"};

    return names[level];
}

const char *check_verdict_name(enum check_verdict verdict)
{
    static const char *const names[] = {"passed", "failed", "skipped"};

    return names[verdict];
}

static const struct check_table *const tables[] = {
    &check_discovery, &check_lists,  &check_accounts,       &check_patching,
    &check_filters,   &check_groups, &check_groups_clients, &check_bulk,
};

void check_each(void (*fn)(void *ctx, const char *name, const char *section,
                           enum check_level level),
                void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        for (size_t k = 0; k < tables[i]->count; k++) {
            const struct check *c = &tables[i]->checks[k];

            fn(ctx, c->name, c->section, c->level);
        }
    }
}

/* --- One check --- */

enum outcome { GOES_ON, HAS_FAILED, CANNOT, STOPPED };

struct performance {
    struct check_run *run;
    struct check_values values;
    struct check_request request;
    struct str method; /* of the request being written; empty: none is */
    struct str sent, sent_body;
    struct str why, expected;
};

static bool stopped(const struct check_run *run)
{
    return run->options->stop && *run->options->stop;
}

static bool method_of(struct str word, enum http_method *out)
{
    for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (str_eq_z(word, http_method_name((enum http_method)m))) {
            *out = (enum http_method)m;
            return true;
        }
    }
    return false;
}

static void begin_request(struct performance *p, struct str line, enum http_method method)
{
    struct arena *a = p->run->tmp;
    struct str target = line, word;

    (void)str_cut(&target, ' ', &word);
    target = check_encode_target(a, check_expand(&p->values, a, target, CHECK_IN_URL));
    p->request = (struct check_request){.method = method, .target = target};
    p->method = word;
    p->sent = arena_printf(a, "%.*s %.*s", STR_ARG(word), STR_ARG(target));
    p->sent_body = (struct str){NULL, 0};
}

static void add_header(struct performance *p, struct str line)
{
    struct arena *a = p->run->tmp;
    struct str name, value = check_expand(&p->values, a, str_from(line, 5), CHECK_PLAIN);

    (void)str_cut(&value, ':', &name);
    value = str_trim(value);
    if (str_eq(name, STR("Authorization"))) {
        p->request.anonymous = true;
        if (!value.len)
            return;
    }
    if (str_eq(name, STR("Content-Type"))) {
        p->request.content_type = arena_z(a, value);
        return;
    }
    assert(p->request.header_count < ARRAY_LEN(p->request.headers));
    p->request.headers[p->request.header_count++] = (struct http_header){arena_z(a, name), value};
}

static void let(struct performance *p, struct str line)
{
    struct str place = str_from(line, 4), name;
    const struct json *v;

    (void)str_cut(&place, ' ', &name);
    v = check_at(p->run->tmp, &p->run->answer, place);
    check_value_set(&p->values, name, json_is(v, JSON_STRING) ? v->text : STR("(missing)"));
}

static enum outcome judge(struct performance *p, struct str line)
{
    struct arena *a = p->run->tmp;
    const struct check_answer *answer = &p->run->answer;
    struct str expanded = check_expand(&p->values, a, line, CHECK_IN_JSON);

    p->expected = expanded;
    if (str_starts(line, STR("need ")))
        return check_status(a, answer, str_from(line, 5), &p->why) ? GOES_ON : CANNOT;
    if (str_starts(line, STR("= ")))
        return check_status(a, answer, str_from(line, 2), &p->why) ? GOES_ON : HAS_FAILED;
    if (str_eq(line, STR("error")) || str_starts(line, STR("error ")))
        return check_error(a, answer, str_from(line, 6), &p->why) ? GOES_ON : HAS_FAILED;
    return check_holds(a, answer, expanded, &p->why) ? GOES_ON : HAS_FAILED;
}

static enum outcome line_of(struct performance *p, struct str line)
{
    enum http_method method;
    struct str word, rest = line;

    (void)str_cut(&rest, ' ', &word);
    if (method_of(word, &method)) {
        begin_request(p, line, method);
    } else if (str_eq(word, STR("with"))) {
        add_header(p, line);
    } else if (str_starts(line, STR("{")) || str_eq(word, STR("body"))) {
        struct str text = str_starts(line, STR("{")) ? line : rest;

        p->sent_body = p->request.body = check_expand(&p->values, p->run->tmp, text, CHECK_IN_JSON);
    } else {
        if (p->method.len) {
            p->method = (struct str){NULL, 0};
            if (stopped(p->run))
                return STOPPED;
            check_send(p->run, &p->request);
        }
        if (!str_eq(word, STR("let")))
            return judge(p, line);
        let(p, line);
    }
    return GOES_ON;
}

static enum outcome perform(struct performance *p, const char *script)
{
    struct str rest = str_from_z(script), line;
    enum outcome outcome = GOES_ON;

    while (rest.len > 0 && outcome == GOES_ON) {
        (void)str_cut(&rest, '\n', &line);
        if (line.len)
            outcome = line_of(p, line);
    }
    return outcome;
}

static void name_values(struct performance *p, unsigned number)
{
    static const struct {
        const char *name, *text;
    } made[] = {
        {"name", CHECK_PREFIX "<run>-%u@example.com"},
        {"name2", CHECK_PREFIX "<run>-%u-second@example.com"},
        {"NAME", "USHER-CHECK-<RUN>-%u@EXAMPLE.COM"},
        {"group", CHECK_PREFIX "<run>-%u group"},
        {"group2", CHECK_PREFIX "<run>-%u second group"},
    };
    struct arena *a = p->run->tmp;
    char uuid[UUID_TEXT_MAX];

    p->values = (struct check_values){a, p->run->set.first};
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        struct str format = str_from_z(made[i].text), before;
        struct str text;

        (void)str_cut(&format, '%', &before);
        text = arena_printf(a, "%.*s%u%.*s", STR_ARG(before), number, STR_ARG(str_from(format, 1)));
        check_value_set(&p->values, str_from_z(made[i].name),
                        check_expand(&p->run->set, a, text, CHECK_PLAIN));
    }
    check_value_set(&p->values, STR("random"), uuid_new(p->run->options->rng, uuid));
}

static const struct {
    unsigned needs;
    const char *why;
} reasons[] = {
    {NEEDS_WRITE, "it writes: --write lets it"},
    {NEEDS_GROUPS, "the server has no groups"},
    {NEEDS_FILTER, "the server says that it has no filters"},
    {NEEDS_PATCH, "the server says that it has no PATCH"},
    {NEEDS_SORT, "the server does not announce sorting"},
    {NEEDS_ETAG, "the server does not announce ETags"},
    {NEEDS_BULK, "the server does not announce bulk requests"},
    {NEEDS_CURSOR, "the server does not announce cursors"},
    {NEEDS_ENTERPRISE, "the server does not have the enterprise extension"},
    {NEEDS_MANAGER, "the server has no managers"},
    {NEEDS_PASSWORD, "the server's schema has no password"},
};

/* A server may repeat what it was sent. */
static struct str masked(const struct check_run *run, struct str text)
{
    struct str token = run->options->token;
    CLEANUP(buf_done) struct buf out;
    size_t at;

    buf_init(&out, text.len * 2 + 16);
    if (token.len < 4)
        return text;
    while (str_find(text, token, &at)) {
        buf_add(&out, str_sub(text, 0, at));
        buf_add_z(&out, "***");
        text = str_from(text, at + token.len);
    }
    buf_add(&out, text);
    return arena_str(run->tmp, buf_str(&out));
}

static void tell(struct performance *p, const struct check *check, enum outcome outcome)
{
    struct check_run *run = p->run;
    struct check_summary *s = run->summary;
    struct check_result r = {.name = check->name, .section = check->section, .level = check->level};

    r.verdict = outcome == GOES_ON  ? CHECK_PASSED
                : outcome == CANNOT ? CHECK_SKIPPED
                                    : CHECK_FAILED;
    r.why = masked(run, p->why);
    if (outcome != GOES_ON && p->sent.len) {
        r.expected = masked(run, p->expected);
        r.sent = masked(run, p->sent);
        r.sent_body = masked(run, p->sent_body);
        r.status = run->answer.status;
        r.content_type = run->answer.content_type;
        r.answer = masked(run, run->answer.body);
    }
    if (r.verdict == CHECK_PASSED) {
        s->passed++;
    } else if (r.verdict == CHECK_SKIPPED) {
        s->skipped++;
    } else if (check->level == CHECK_SHOULD) {
        s->advice++;
    } else {
        s->failed++;
    }
    run->options->seen(run->options->ctx, &r);
}

bool check_one(struct check_run *run, const struct check *check, unsigned number)
{
    struct performance p = {.run = run};
    unsigned missing = check->needs & ~run->traits;
    enum outcome outcome = GOES_ON;

    arena_reset(run->tmp);
    run->answer = (struct check_answer){0};
    if (missing) {
        for (size_t i = ARRAY_LEN(reasons); i-- > 0;) {
            if (missing & reasons[i].needs)
                p.why = str_from_z(reasons[i].why);
        }
        outcome = CANNOT;
    } else {
        name_values(&p, number);
        outcome = perform(&p, check->script);
        if (outcome == CANNOT) {
            p.why = arena_printf(run->tmp, "what it needs could not be made: %.*s", STR_ARG(p.why));
        }
    }
    if (outcome != STOPPED)
        tell(&p, check, outcome);
    (void)check_remove_made(run);
    return outcome != STOPPED;
}

/* --- All of them --- */

static void run_tables(struct check_run *run)
{
    unsigned number = 0;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        for (size_t k = 0; k < tables[i]->count; k++) {
            if (stopped(run) || !check_one(run, &tables[i]->checks[k], ++number)) {
                run->summary->stopped = true;
                return;
            }
        }
    }
}

static void list_left(struct check_run *run)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, 1 << 20);
    for (const struct check_made *m = run->made; m; m = m->next) {
        if (!m->gone)
            buf_addf(&out, "%s%.*s", out.len ? "\n" : "", STR_ARG(m->path));
    }
    run->summary->left = arena_str(run->arena, buf_str(&out));
}

static void name_run(struct check_run *run)
{
    uint64_t n = rng_u64(run->options->rng) & 0xffffffff;

    check_value_set(&run->set, STR("run"),
                    arena_printf(run->arena, "%08llx", (unsigned long long)n));
    check_value_set(&run->set, STR("RUN"),
                    arena_printf(run->arena, "%08llX", (unsigned long long)n));
}

bool check_run(const struct check_options *options, struct arena *a, struct check_summary *out,
               struct err *err)
{
    const struct http_client_config config = {
        .max_connections = CONNECTIONS, .timeout_ms = TIMEOUT_MS, .ca_file = options->ca_file};
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct check_run run = {
        .options = options, .arena = a, .tmp = tmp, .set = {.arena = a}, .summary = out};
    struct http_url url;
    bool good;

    *out = (struct check_summary){0};
    if (!http_url_parse(options->url, &url, err))
        return false;
    run.base = options->url;
    while (str_ends(run.base, STR("/")))
        run.base = str_sub(run.base, 0, run.base.len - 1);
    if (options->token.len)
        run.authorization = arena_printf(a, "Bearer %.*s", STR_ARG(options->token));
    if (!http_client_new(&config, &run.client, err))
        return false;
    name_run(&run);
    good = check_prepare(&run, err);
    if (good) {
        run_tables(&run);
        arena_reset(tmp);
        if (options->write)
            check_sweep(&run);
        list_left(&run);
    }
    http_client_free(run.client);
    return good;
}
