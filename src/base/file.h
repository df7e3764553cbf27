/* Whole files, with a limit. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

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
/* Makes the directory if it is not there. */
MUST_USE bool dir_make(const char *path, unsigned mode, struct err *err);
