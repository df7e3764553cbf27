#include "base/unicode.h"
#include "directory/sample.h"
#include "world.h"

enum { PEOPLE = 600, GROUPS = 30 };

static void sample(const struct db_config *config)
{
    struct directory_sample o = {.people = PEOPLE, .groups = GROUPS, .seed = 5, .domain = "x.test"};
    struct directory_object *page;
    struct directory_counts counts;
    struct world w;
    struct str *ids;
    size_t count;
    size_t beyond_ascii = 0;
    bool found;

    world_open(&w, config);
    o.clock = &w.clock.clock;
    OK(&w, directory_sample(w.db, &o, &w.err));
    OK(&w, directory_count(w.db, &counts, &w.err));
    CHECK(counts.live[SOURCE_USER] == PEOPLE && counts.live[SOURCE_GROUP] == GROUPS, "all there");
    OK(&w, directory_list(w.db, w.a, SOURCE_USER, DIRECTORY_LIVE, STR(""), PEOPLE + 1, &page,
                          &count, &w.err));
    for (size_t i = 0; i < count; i++) {
        char id[UUID_TEXT_MAX];
        struct directory_object boss;
        struct str manager = json_get_text(page[i].attributes, "manager");
        struct str name = directory_object_name(&page[i]);
        struct str upn = directory_object_upn(&page[i]);

        CHECK_STR(page[i].id, directory_sample_id(5, SOURCE_USER, (int64_t)i, id).ptr, "ids");
        CHECK(str_ends(upn, STR("@x.test")), "%.*s", STR_ARG(upn));
        beyond_ascii += utf8_length(name) < name.len;
        for (size_t k = 0; k < upn.len; k++)
            CHECK((unsigned char)upn.ptr[k] < 0x80, "an address is ASCII: %.*s", STR_ARG(upn));
        CHECK((manager.len == 0) == (i == 0), "one has no manager");
        if (manager.len) {
            OK(&w, directory_load(w.db, w.a, manager, &boss, &found, &w.err));
            CHECK(found && str_cmp(boss.id, page[i].id) < 0, "managers come first: no circles");
        }
    }
    CHECK(beyond_ascii > PEOPLE / 2, "%zu names beyond ASCII", beyond_ascii);
    OK(&w, directory_list(w.db, w.a, SOURCE_GROUP, DIRECTORY_LIVE, STR(""), GROUPS, &page, &count,
                          &w.err));
    for (size_t i = 0; i < count; i++) {
        size_t members;

        OK(&w, directory_members(w.db, w.a, page[i].id, DIRECTORY_LIVE, STR(""), 10, &ids, &members,
                                 &w.err));
        CHECK(members > 0, "%.*s has members", STR_ARG(directory_object_name(&page[i])));
    }
    CHECK(!directory_sample(w.db, &o, &w.err), "a second time");
    CHECK_STR(str_from_z(w.err.code), "idTaken", "a second time");
    world_close(&w);
}

static void test_sample(void **state)
{
    (void)state;
    test_databases(sample);
}

TEST_GROUP(sample, cmocka_unit_test(test_sample))
