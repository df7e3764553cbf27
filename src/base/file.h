/* Whole files, with a limit. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdio.h>

/* Reads the whole file ("-": standard input). ERR_NOT_FOUND, ERR_DENIED, ERR_LIMIT "fileTooLarge".
 */
MUST_USE bool file_read(struct arena *a, const char *path, size_t max_bytes, struct str *out,
                        struct err *err);
/* Writes atomically: a temporary file beside it, synced, then renamed. mode as for open(2).
 * ERR_NOT_FOUND (no such directory), ERR_DENIED, ERR_UNAVAILABLE "diskFull". */
MUST_USE bool file_write(const char *path, struct str data, unsigned mode, struct err *err);
/* The same for a file that must not exist yet: ERR_CONFLICT "fileExists", and what is there stays.
 */
MUST_USE bool file_create(const char *path, struct str data, unsigned mode, struct err *err);
/* The same for a file that is written piece by piece: a temporary file beside path, for writing and
 * seeking in `stream`, which gets its name at the end. Dropped, nothing is left of it. */
struct file_draft {
    FILE *stream;
    struct arena *arena;
    const char *path, *temp;
};
MUST_USE bool file_draft_open(struct file_draft *d, const char *path, unsigned mode,
                              struct err *err);
MUST_USE bool file_draft_commit(struct file_draft *d, struct err *err);
void file_draft_drop(struct file_draft *d); /* also after a commit; for CLEANUP, zeroed is fine */

/* Makes the directory if it is not there. */
MUST_USE bool dir_make(const char *path, unsigned mode, struct err *err);
