#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/json.h"
#include "base/unicode.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_BYTES_MAX = 1 << 19,
    TEXT_BYTES_MAX = 2048, /* of one field; what is longer is cut */
    FIELDS_MAX = 24,       /* a line of so many fields always fits, at six bytes an escape */
};

/* Priority: as in syslog, for the journal. */
static const struct {
    const char *name;
    const char *priority;
} levels[] = {
    [LOG_ERROR] = {"error", "<3>"},
    [LOG_WARNING] = {"warning", "<4>"},
    [LOG_INFO] = {"info", "<6>"},
    [LOG_DEBUG] = {"debug", "<7>"},
};
static_assert(ARRAY_LEN(levels) == LOG_LEVEL_COUNT, "every log_level has a name");

/* The two things a process has once: how much it logs, and whether the journal reads its standard
 * error. */
static atomic_int most_detailed_level = LOG_INFO;
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;
static bool journal_reads;

/* JOURNAL_STREAM is "device:inode" of the stream that goes to the journal (systemd.exec). */
static void look_for_journal(void)
{
    const char *stream = env_get("JOURNAL_STREAM");
    char own[64];
    struct stat st;

    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return;
    snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    journal_reads = strcmp(own, stream) == 0;
}

void log_set_level(enum log_level most_detailed)
{
    atomic_store(&most_detailed_level, (int)most_detailed);
}

static void add_member(struct buf *line, const char *name)
{
    buf_add_char(line, ',');
    json_write_text(line, str_from_z(name));
    buf_add_char(line, ':');
}

static void add_text(struct buf *line, struct str text)
{
    if (text.len > TEXT_BYTES_MAX) {
        size_t len = TEXT_BYTES_MAX;

        while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
            len--;
        text = str_sub(text, 0, len);
    }
    json_write_text(line, text);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    CLEANUP(buf_done) struct buf line = {.max = LINE_BYTES_MAX};
    char time[TIME_TEXT_MAX];
    ssize_t ignored;

    if ((int)level > atomic_load_explicit(&most_detailed_level, memory_order_relaxed))
        return;
    pthread_once(&journal_once, look_for_journal);
    if (journal_reads)
        buf_add_z(&line, levels[level].priority);
    buf_addf(&line, "{\"time\":\"%s\",\"level\":\"%s\"",
             time_write(clock_now(clock_system()), time).ptr, levels[level].name);
    add_member(&line, "event");
    add_text(&line, str_from_z(event));
    for (size_t i = 0; i < count && i < FIELDS_MAX; i++) {
        add_member(&line, fields[i].name);
        if (fields[i].is_number) {
            buf_add_int(&line, fields[i].number);
        } else {
            add_text(&line, fields[i].text);
        }
    }
    buf_add(&line, STR("}\n"));
    /* One call for one line, so that the lines of threads and processes do not mix. */
    ignored = write(STDERR_FILENO, line.ptr, line.len);
    (void)ignored;
}

void log_error(const char *event, const struct err *err)
{
    log_write(LOG_ERROR, event,
              (const struct log_field[]){
                  LOG_TEXT("kind", str_from_z(err_kind_name(err->kind))),
                  LOG_TEXT("code", str_from_z(err->code)),
                  LOG_TEXT("message", str_from_z(err->message)),
                  LOG_TEXT("place", str_from_z(err->place)),
              },
              err->place[0] ? 4 : 3);
}
