#include "connector/source.h"
#include "engine/plans/plan_file.h"
#include "frame/frame.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[64];
    char path[96];
    struct arena *a;
};

static void place_init(struct place *p)
{
    snprintf(p->dir, sizeof(p->dir), "/tmp/usher-plan-XXXXXX");
    CHECK(mkdtemp(p->dir), "a directory");
    snprintf(p->path, sizeof(p->path), "%s/p.plan", p->dir);
    p->a = arena_new();
}

static void place_done(struct place *p)
{
    unlink(p->path);
    CHECK(rmdir(p->dir) == 0, "nothing else was left in %s", p->dir);
    arena_free(p->a);
}

static const struct json *text(struct arena *a, const char *z)
{
    return json_string(a, str_from_z(z));
}

static struct plan_row a_row(struct arena *a, const char *id)
{
    struct journal_property *p = ARENA_ARRAY(a, struct journal_property, 2);

    p[0] = (struct journal_property){STR("title"), text(a, "Lead \"\n\xc3\xa4"), text(a, "Boss")};
    p[1] = (struct journal_property){STR("active"), NULL, json_bool(a, true)};
    return (struct plan_row){
        .intent = INTENT_UPDATE,
        .kind = SOURCE_USER,
        .source_id = str_from_z(id),
        .source_name = STR("\"digest\":\"Ada"),
        .target_id = STR("t1"),
        .source_version = STR("v1"),
        .target_version = STR("w1"),
        .changes = p,
        .change_count = 2,
    };
}

static void save(struct place *p, int rows)
{
    CLEANUP(plan_writer_drop) struct plan_writer w = {0};
    struct plan_head head = {
        .purpose = PLAN_OF_UNDO,
        .job_id = STR("11111111-1111-4111-8111-111111111111"),
        .job_name = STR("the \"digest\":\"0\" app"),
        .base_url = STR("https://app.example"),
        .database = STR("db"),
        .schema_version = 3,
        .watermark = STR("17"),
        .undone_cycle = STR("c1"),
        .made_us = INT64_C(1767225600000000),
        .counts = {.read = 9, .by_intent = {[INTENT_UPDATE] = rows}, .failed = 1},
    };
    struct err err = {0};

    CHECK(plan_writer_open(&w, p->path, &err), "%s", err.message);
    unlink(p->path);
    CHECK(access(p->path, F_OK) != 0, "not there before it is whole");
    for (int i = 0; i < rows; i++) {
        struct plan_row row = a_row(p->a, arena_printf(p->a, "s%d", i).ptr);

        CHECK(plan_writer_add(&w, &row, &err), "%s", err.message);
    }
    CHECK(plan_writer_finish(&w, &head, &err), "%s", err.message);
    CHECK(head.rows == rows && head.digest.len == 64, "filled in");
}

static void comes_back(void **state)
{
    CLEANUP(plan_reader_close) struct plan_reader r = {0};
    struct place p;
    struct err err = {0};
    struct plan_row row;
    struct stat st;
    bool more;

    (void)state;
    place_init(&p);
    save(&p, 3);
    CHECK(stat(p.path, &st) == 0 && (st.st_mode & 0777) == 0600, "mode %o", st.st_mode & 0777);
    CHECK(plan_reader_open(&r, p.path, &err), "%s", err.message);
    CHECK(r.head.purpose == PLAN_OF_UNDO && r.head.schema_version == 3 && r.head.rows == 3,
          "the head");
    CHECK(r.head.counts.read == 9 && r.head.counts.by_intent[INTENT_UPDATE] == 3, "its counts");
    CHECK_STR(r.head.undone_cycle, "c1", "which cycle");
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 3; i++) {
            CHECK(plan_reader_next(&r, p.a, &row, &more, &err) && more, "%s", err.message);
            CHECK_STR(row.source_id, arena_printf(p.a, "s%d", i).ptr, "in order");
        }
        CHECK(plan_reader_next(&r, p.a, &row, &more, &err) && !more, "the end");
        CHECK(plan_reader_rewind(&r, &err), "%s", err.message);
    }
    CHECK(plan_reader_next(&r, p.a, &row, &more, &err) && more, "%s", err.message);
    CHECK(row.intent == INTENT_UPDATE && row.change_count == 2, "a whole row");
    CHECK_STR(row.changes[0].before->text, "Lead \"\n\xc3\xa4", "with its values");
    CHECK(!row.changes[1].before && row.changes[1].after->boolean, "none is none");
    CHECK_STR(row.target_version, "w1", "and versions");
    place_done(&p);
}

/* Every single byte of the file counts. */
static void no_byte_may_differ(void **state)
{
    struct place p;
    struct err err = {0};
    struct str whole;
    char *bytes;

    (void)state;
    place_init(&p);
    save(&p, 1);
    CHECK(file_read(p.a, p.path, 1 << 20, &whole, &err), "%s", err.message);
    bytes = arena_z(p.a, whole);
    for (size_t i = 0; i < whole.len; i++) {
        struct plan_reader r = {0};
        char was = bytes[i];

        bytes[i] = (char)(was == '7' ? '8' : '7');
        err = (struct err){0};
        CHECK(!plan_reader_open_stream(&r, fmemopen(bytes, whole.len, "r"), "x", &err),
              "byte %zu was '%c'", i, was);
        CHECK(err.kind == ERR_INVALID && err.message[0], "byte %zu: %s", i, err.message);
        plan_reader_close(&r);
        bytes[i] = was;
    }
    place_done(&p);
}

static void cut_and_foreign(void **state)
{
    static const struct {
        const char *label, *content, *code;
    } cases[] = {
        {"empty", "", "planUnreadable"},
        {"text", "hello\n", "planUnreadable"},
        {"other JSON", "{\"users\":[]}\n", "planUnreadable"},
        {"newer", "{\"usherPlan\":2}\n", "planFormat"},
        {"no head", "{\"usherPlan\":1}\n", "planUnreadable"},
        {"no line end", "{\"usherPlan\":1}", "planEdited"},
    };
    struct place p;
    struct str whole;
    struct plan_reader r = {0};
    struct err err = {0};

    (void)state;
    place_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(file_write(p.path, str_from_z(cases[i].content), 0600, &err), "%s", err.message);
        CHECK(!plan_reader_open(&r, p.path, &err), "%s", cases[i].label);
        CHECK(strcmp(err.code, cases[i].code) == 0, "%s: %s", cases[i].label, err.code);
        plan_reader_close(&r);
    }
    save(&p, 2);
    CHECK(file_read(p.a, p.path, 1 << 20, &whole, &err), "%s", err.message);
    whole.len -= 1;
    CHECK(file_write(p.path, whole, 0600, &err), "%s", err.message);
    CHECK(!plan_reader_open(&r, p.path, &err) && strcmp(err.code, "planEdited") == 0, "cut");
    plan_reader_close(&r);
    CHECK(!plan_reader_open(&r, "/nowhere/x", &err) && err.kind == ERR_NOT_FOUND, "not there");
    plan_reader_close(&r);
    place_done(&p);
}

static void dropped_leaves_nothing(void **state)
{
    struct plan_writer w = {0};
    struct place p;
    struct err err = {0};
    struct plan_row row;

    (void)state;
    place_init(&p);
    row = a_row(p.a, "s");
    CHECK(plan_writer_open(&w, p.path, &err) && plan_writer_add(&w, &row, &err), "%s", err.message);
    plan_writer_drop(&w);
    place_done(&p);
    CHECK(!plan_writer_open(&w, "/nowhere/at/all", &err) && err.kind == ERR_NOT_FOUND, "%s",
          err.message);
    plan_writer_drop(&w);
}

static void rows_that_are_none(void **state)
{
    static const char *const lines[] = {
        "",
        "[]",
        "{}",
        "{\"action\":\"explode\",\"kind\":\"user\",\"sourceId\":\"1\",\"changes\":[]}",
        "{\"action\":\"update\",\"kind\":\"robot\",\"sourceId\":\"1\",\"changes\":[]}",
        "{\"action\":\"update\",\"kind\":\"user\",\"sourceId\":\"\",\"changes\":[]}",
        "{\"action\":\"update\",\"kind\":\"user\",\"sourceId\":\"1\"}",
        "{\"action\":\"update\",\"kind\":\"user\",\"sourceId\":\"1\",\"changes\":[1]}",
        "{\"action\":\"update\",\"kind\":\"user\",\"sourceId\":\"1\",\"changes\":[{}]}",
    };
    struct arena *a = arena_new();
    struct plan_row row;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        err = (struct err){0};
        CHECK(!plan_row_parse(a, str_from_z(lines[i]), &row, &err), "%s", lines[i]);
        CHECK(strcmp(err.code, "planUnreadable") == 0, "%s: %s", lines[i], err.code);
    }
    arena_free(a);
}

/* Whatever decides about somebody makes another version. */
static void source_versions(void **state)
{
    struct arena *a = arena_new();
    struct json *v = json_new(a, JSON_OBJECT);
    struct source_entry e = {.id = STR("1"), .attributes = v, .enabled = true, .assigned = true};
    struct str first, other;

    (void)state;
    json_add_z(a, v, "department", "x");
    first = plan_source_version(a, &e);
    CHECK(str_eq(first, plan_source_version(a, &e)), "the same");
    e.assigned = false;
    CHECK(!str_eq(first, plan_source_version(a, &e)), "no longer assigned");
    e.assigned = true;
    e.enabled = false;
    CHECK(!str_eq(first, plan_source_version(a, &e)), "disabled");
    e.enabled = true;
    json_set(a, v, STR("department"), json_string(a, STR("y")));
    other = plan_source_version(a, &e);
    CHECK(!str_eq(first, other), "moved");
    arena_free(a);
}

TEST_GROUP(plan_file, cmocka_unit_test(comes_back), cmocka_unit_test(no_byte_may_differ),
           cmocka_unit_test(cut_and_foreign), cmocka_unit_test(dropped_leaves_nothing),
           cmocka_unit_test(rows_that_are_none), cmocka_unit_test(source_versions))
