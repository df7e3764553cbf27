/* The provisioning log on its way to others (engine.md 13.3). */
#include "base/file.h"
#include "engine/stream.h"
#include "journal/retention.h"
#include "world.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world *w;
static struct notify_sending how;
static char path[64];

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    how = (struct notify_sending){.db = config, .clock = w->engine.clock, .rng = w->engine.rng};
    snprintf(path, sizeof(path), "/tmp/usher-stream-%d.jsonl", (int)getpid());
    unlink(path);
}

static void end(void)
{
    unlink(path);
    world_done(w);
    free(w);
}

static void people(int from, int count)
{
    for (int i = from; i < from + count; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%03d", i).ptr), true);
    world_cycle(w);
}

static int64_t stream(void)
{
    struct err err = {0};
    int64_t sent;

    w->clock.now += 2 * US_PER_SECOND;
    CHECK(engine_stream_due(&how, w->db, NULL, &sent, &err), "%s", err.message);
    return sent;
}

static struct job_stream state(void)
{
    struct job_stream s;
    struct err err = {0};
    bool found;

    CHECK(job_stream_load(w->db, w->arena, w->job.no, &s, &found, &err) && found, "there is one");
    return s;
}

static size_t lines_of(struct str text, struct str *out_last)
{
    struct str line;
    size_t n = 0;

    while (str_cut(&text, '\n', &line)) {
        *out_last = line;
        n++;
    }
    return n;
}

static size_t lines(struct str *out_last)
{
    struct str text;
    struct err err = {0};

    if (!file_read(w->arena, path, 1 << 24, &text, &err))
        return 0;
    return lines_of(text, out_last);
}

/* What is recorded after it was set, in the order of the log, each record once; beyond a page. */
static void to_a_file(const struct db_config *config)
{
    struct journal_record *records;
    struct json *last;
    struct err err = {0};
    struct str line;
    size_t before;

    start(config);
    people(0, 3);
    before = world_journal(w, NULL, &records);
    world_setting(w, "journal.stream", arena_printf(w->arena, "file:%s", path).ptr);
    CHECK(stream() == 0 && lines(&line) == 0, "not what was there before");
    people(3, 250);
    CHECK(stream() == 250, "everybody");
    CHECK(lines(&line) == 250, "in the file: %zu", lines(&line));
    CHECK(json_parse(w->arena, line, NULL, &last, NULL, &err), "%s", err.message);
    CHECK_STR(json_get_text(last, "id"),
              journal_record_id(w->arena, w->job.no, state().sent_no).ptr, "the newest comes last");
    CHECK(state().sent_no == (int64_t)before + 250, "up to the newest");
    CHECK(stream() == 0 && lines(&line) == 250, "nothing twice");
    end();
}

/* A receiver that is away gets later what it has missed. */
static void away(const struct db_config *config)
{
    struct str line;

    start(config);
    world_setting(w, "journal.stream", "file:/nowhere/at/all.jsonl");
    people(0, 2);
    CHECK(stream() == 0, "nothing was taken");
    CHECK(state().failures == 1 && state().error.len > 0, "and that is kept");
    w->clock.now += 120 * US_PER_SECOND;
    stream();
    CHECK(state().failures == 2, "it is tried again");
    world_setting(w, "journal.stream", arena_printf(w->arena, "file:%s", path).ptr);
    CHECK(stream() == 2 && lines(&line) == 2, "both are there");
    CHECK(state().failures == 0 && state().error.len == 0, "and all is well");
    end();
}

/* Old records that retention has taken do not hold up the others. */
static void pruned(const struct db_config *config)
{
    struct err err = {0};
    struct str line;
    int64_t removed;
    bool done;

    start(config);
    world_setting(w, "journal.stream", "file:/nowhere/at/all.jsonl");
    people(0, 150);
    w->clock.now += 200 * US_PER_DAY;
    people(150, 1);
    CHECK(journal_prune(w->db, w->job.no, w->clock.now - US_PER_DAY, 1000, &removed, &done, &err),
          "%s", err.message);
    world_setting(w, "journal.stream", arena_printf(w->arena, "file:%s", path).ptr);
    stream();
    CHECK(lines(&line) == 1, "what is left: %zu", lines(&line));
    end();
}

static void refused(const struct db_config *config)
{
    static const struct {
        const char *value, *code;
    } cases[] = {
        {"file:demo.jsonl", "badStream"},      {"syslog:nowhere", "badSyslog"},
        {"syslog:host:99999", "badSyslog"},    {"syslog::514", "badSyslog"},
        {"http://example.com/", "badWebhook"}, {"ftp://example.com/", "badStream"},
    };

    start(config);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_setting s = {STR("journal.stream"), str_from_z(cases[i].value)};
        struct err err = {0};

        CHECK(!engine_set(&w->engine, w->job.no, &s, 1, STR("admin"), &err), "%s", cases[i].value);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].value);
    }
    end();
}

/* --- syslog --- */

struct receiver {
    int listener;
    char text[1 << 16];
    size_t len;
};

static void *receive(void *arg)
{
    struct receiver *r = arg;
    int fd = accept(r->listener, NULL, NULL);
    ssize_t n = 1;

    while (fd >= 0 && n > 0 && r->len < sizeof(r->text)) {
        n = read(fd, r->text + r->len, sizeof(r->text) - r->len);
        r->len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void to_syslog(const struct db_config *config)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct receiver *r = calloc(1, sizeof(*r));
    socklen_t size = sizeof(address);
    struct str rest, length;
    pthread_t thread;
    int64_t n;
    size_t messages = 0;

    start(config);
    r->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(r->listener, (struct sockaddr *)&address, size) == 0 &&
              listen(r->listener, 1) == 0 &&
              getsockname(r->listener, (struct sockaddr *)&address, &size) == 0,
          "a receiver");
    world_setting(w, "journal.stream",
                  arena_printf(w->arena, "syslog:127.0.0.1:%d", ntohs(address.sin_port)).ptr);
    people(0, 3);
    pthread_create(&thread, NULL, receive, r);
    CHECK(stream() == 3, "three are taken");
    pthread_join(thread, NULL);
    rest = (struct str){r->text, r->len};
    while (str_cut(&rest, ' ', &length)) {
        CHECK(str_to_int(length, 1, 60000, &n) && (size_t)n <= rest.len, "octets are counted");
        CHECK(str_starts(rest, STR("<134>1 20")), "RFC 5424, local0.info");
        rest = str_from(rest, (size_t)n);
        messages++;
    }
    CHECK(messages == 3 && rest.len == 0, "%zu messages", messages);
    close(r->listener);
    free(r);
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(to_a_file)
ON_BOTH(away)
ON_BOTH(pruned)
ON_BOTH(refused)
ON_BOTH(to_syslog)

TEST_GROUP(stream, cmocka_unit_test(to_a_file_), cmocka_unit_test(away_), cmocka_unit_test(pruned_),
           cmocka_unit_test(refused_), cmocka_unit_test(to_syslog_))
