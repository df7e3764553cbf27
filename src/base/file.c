#include "base/file.h"

#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_FIRST = 1 << 16 }; /* where the size is not known beforehand */

/* What went wrong with a file, for every call here. errno values that are not listed are ours to
 * explain: ERR_INTERNAL "fileIo". */
static const struct {
    int number;
    enum err_kind kind;
    const char *code;
} causes[] = {
    {ENOENT, ERR_NOT_FOUND, "fileNotFound"}, {ENOTDIR, ERR_NOT_FOUND, "fileNotFound"},
    {EACCES, ERR_DENIED, "fileDenied"},      {EPERM, ERR_DENIED, "fileDenied"},
    {EROFS, ERR_DENIED, "fileDenied"},       {EISDIR, ERR_INVALID, "fileIsDirectory"},
    {EEXIST, ERR_CONFLICT, "fileExists"},    {ENOSPC, ERR_UNAVAILABLE, "diskFull"},
    {EDQUOT, ERR_UNAVAILABLE, "diskFull"},
};

static bool fail(struct err *err, int number, const char *what, const char *path)
{
    enum err_kind kind = ERR_INTERNAL;
    const char *code = "fileIo";
    char why[128];

    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (causes[i].number == number) {
            kind = causes[i].kind;
            code = causes[i].code;
        }
    }
    return err_set(err, kind, code, "cannot %s '%s': %s", what, path,
                   strerror_r(number, why, sizeof(why)));
}

static void close_fd(const int *fd)
{
    if (*fd > STDERR_FILENO)
        close(*fd);
}

/* Fills [*len, cap) of p; *len stays below cap at the end of the file. False with errno. */
static bool fill(int fd, char *p, size_t cap, size_t *len)
{
    while (*len < cap) {
        ssize_t n = read(fd, p + *len, cap - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            return true;
        *len += (size_t)n;
    }
    return true;
}

/* One byte more than expected is asked for, so that a file that does not end there is noticed. */
static bool read_all(struct arena *a, int fd, size_t expected, size_t max_bytes, struct str *out)
{
    size_t cap = (expected ? expected : READ_FIRST) + 1;
    size_t len = 0;
    char *p = arena_alloc(a, cap);

    while (fill(fd, p, cap, &len)) {
        char *bigger;

        if (len < cap || len > max_bytes) {
            if (len < cap)
                p[len] = '\0';
            *out = (struct str){p, len};
            return true;
        }
        bigger = arena_alloc(a, cap * 2);
        memcpy(bigger, p, len);
        p = bigger;
        cap *= 2;
    }
    return false;
}

bool file_read(struct arena *a, const char *path, size_t max_bytes, struct str *out,
               struct err *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    CLEANUP(close_fd) int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *shown = standard_input ? "standard input" : path;
    struct str text = {0};
    struct stat st;
    size_t size;

    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(err, errno, "read", shown);
    if (S_ISDIR(st.st_mode))
        return fail(err, EISDIR, "read", shown);
    size = S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
    if (size <= max_bytes && !read_all(a, fd, size, max_bytes, &text))
        return fail(err, errno, "read", shown);
    if (size > max_bytes || text.len > max_bytes) {
        return err_set(err, ERR_LIMIT, "fileTooLarge", "'%s' is larger than %zu bytes", shown,
                       max_bytes);
    }
    *out = text;
    return true;
}

static bool write_all(int fd, struct str data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.ptr, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data = str_from(data, (size_t)n);
    }
    return true;
}

static const char *directory_of(struct arena *a, const char *path)
{
    struct str s = str_from_z(path);
    size_t slash;

    if (!str_find_last_char(s, '/', &slash))
        return ".";
    return slash == 0 ? "/" : arena_z(a, str_sub(s, 0, slash));
}

/* Makes a new name in the directory survive a crash. */
static bool sync_directory(const char *path)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 &&
           (fsync(fd) == 0 || errno == EINVAL); /* some file systems have nothing to sync */
}

static bool write_new(const char *path, struct str data, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    int number = 0;

    if (fd < 0)
        return false;
    if (!write_all(fd, data) || fsync(fd) != 0)
        number = errno;
    if (close(fd) != 0 && number == 0)
        number = errno;
    errno = number;
    return number == 0;
}

/* Writes a temporary file beside path and gives it its name by `place`, rename or link. */
static bool write_through(const char *path, struct str data, unsigned mode,
                          int (*place)(const char *from, const char *to), struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char id[UUID_TEXT_MAX];
    const char *temp = arena_printf(a, "%s.%s", path, uuid_new(rng_system(), id).ptr).ptr;
    int number = 0;

    if (!write_new(temp, data, mode) || place(temp, path) != 0 ||
        !sync_directory(directory_of(a, path)))
        number = errno;
    if (number != 0 || place == link)
        unlink(temp);
    return number == 0 || fail(err, number, "write", path);
}

bool file_write(const char *path, struct str data, unsigned mode, struct err *err)
{
    return write_through(path, data, mode, rename, err);
}

bool file_create(const char *path, struct str data, unsigned mode, struct err *err)
{
    return write_through(path, data, mode, link, err);
}

bool file_draft_open(struct file_draft *d, const char *path, unsigned mode, struct err *err)
{
    char id[UUID_TEXT_MAX];
    int fd;

    *d = (struct file_draft){.arena = arena_new()};
    d->path = arena_z(d->arena, str_from_z(path));
    d->temp = arena_printf(d->arena, "%s.%s", path, uuid_new(rng_system(), id).ptr).ptr;
    fd = open(d->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd >= 0)
        d->stream = fdopen(fd, "w+");
    if (d->stream)
        return true;
    fail(err, errno, "write", path);
    if (fd >= 0) {
        close(fd);
        unlink(d->temp);
    }
    arena_free(d->arena);
    *d = (struct file_draft){0};
    return false;
}

bool file_draft_commit(struct file_draft *d, struct err *err)
{
    if (ferror(d->stream) || fflush(d->stream) != 0 || fsync(fileno(d->stream)) != 0 ||
        rename(d->temp, d->path) != 0 || !sync_directory(directory_of(d->arena, d->path)))
        return fail(err, errno ? errno : EIO, "write", d->path);
    d->temp = NULL;
    return true;
}

void file_draft_drop(struct file_draft *d)
{
    if (d->stream)
        (void)fclose(d->stream);
    if (d->temp)
        unlink(d->temp);
    arena_free(d->arena);
    *d = (struct file_draft){0};
}

bool dir_make(const char *path, unsigned mode, struct err *err)
{
    struct stat st;
    int number;

    if (mkdir(path, (mode_t)mode) == 0)
        return true;
    number = errno;
    if (number == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return true;
        number = ENOTDIR;
    }
    return fail(err, number, "make the directory", path);
}
