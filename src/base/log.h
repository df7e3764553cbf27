/* Log events: a fixed name and key-value pairs, one JSON object a line on standard error. What
 * happened to a person is data (the journal), not log. Any thread. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };

struct log_field {
    const char *name;
    struct str text;
    int64_t number;
    bool is_number;
};

#define LOG_TEXT(name_, text_) ((struct log_field){.name = (name_), .text = (text_)})
#define LOG_NUM(name_, n_)     ((struct log_field){.name = (name_), .number = (n_), .is_number = true})

void log_set_level(enum log_level most_detailed);
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);
/* log_event(LOG_INFO, "server_started", LOG_NUM("port", 8080)); */
#define log_event(level, event, ...)                                                           \
    log_write((level), (event), (const struct log_field[]){{.name = NULL}, ##__VA_ARGS__} + 1, \
              sizeof((const struct log_field[]){{.name = NULL}, ##__VA_ARGS__}) /              \
                      sizeof(struct log_field) -                                               \
                  1)
/* An event with the kind, code and message of an error. */
void log_error(const char *event, const struct err *err);
