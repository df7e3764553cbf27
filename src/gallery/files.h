/* The files of gallery/, compiled in by cmake/embed.cmake, sorted by name. */
#pragma once

#include <stddef.h>

struct gallery_file {
    const char *name; /* "joynfsm.json" */
    const char *text; /* NUL-terminated */
    size_t size;      /* bytes, without the NUL */
};

extern const struct gallery_file gallery_files[];
extern const size_t gallery_file_count;
