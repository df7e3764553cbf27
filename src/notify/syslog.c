#include "notify/syslog.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    FACILITY_LOCAL0 = 16,
    TIMEOUT_S = 10,
    HOST_MAX = 256,
    PORT_MAX = 6,
    NAME_BYTES_MAX = 64,
    DATAGRAM_MAX = 60000
};

#define PREFIX STR("syslog:")

struct receiver {
    bool local;
    char host[HOST_MAX], port[PORT_MAX];
};

static bool copy(char *out, size_t size, struct str text)
{
    if (text.len == 0 || text.len >= size)
        return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* "HOST:PORT", "[::1]:514" */
static bool parse(struct str to, struct receiver *out)
{
    struct str rest = str_from(to, PREFIX.len);
    size_t colon = rest.len;
    int64_t port;

    out->local = rest.len == 0;
    if (!str_starts(to, PREFIX))
        return false;
    if (out->local)
        return true;
    while (colon > 0 && rest.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2 || !str_to_int(str_from(rest, colon), 1, 65535, &port) ||
        !copy(out->port, sizeof(out->port), str_from(rest, colon)))
        return false;
    rest = str_sub(rest, 0, colon - 1);
    if (rest.ptr[0] == '[') {
        if (rest.ptr[rest.len - 1] != ']')
            return false;
        rest = str_sub(rest, 1, rest.len - 2);
    }
    return copy(out->host, sizeof(out->host), rest);
}

bool syslog_check(struct str to, struct err *err)
{
    struct receiver r;

    return parse(to, &r) ||
           err_set(err, ERR_INVALID, "badSyslog",
                   "'%.*s': syslog: for this machine, or syslog:HOST:PORT", STR_ARG(to));
}

/* A name of the header holds printable ASCII only (RFC 5424, 6). */
static void add_name(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.len && i < NAME_BYTES_MAX; i++) {
        char c = name.ptr[i];

        if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7f)
            c = '_';
        buf_add_char(out, c);
    }
    if (name.len == 0)
        buf_add_char(out, '-');
}

void syslog_add(struct buf *out, struct str to, enum syslog_severity severity, int64_t at_us,
                struct str job, struct str text)
{
    CLEANUP(buf_done) struct buf m;
    char host[HOST_MAX] = "-";
    char at[TIME_TEXT_MAX];

    buf_init(&m, SIZE_MAX);
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        memcpy(host, "-", sizeof("-"));
    buf_addf(&m, "<%d>1 ", FACILITY_LOCAL0 * 8 + (int)severity);
    buf_add(&m, time_write(at_us, at));
    buf_add_char(&m, ' ');
    add_name(&m, str_from_z(host));
    buf_addf(&m, " usher %d ", (int)getpid());
    add_name(&m, job);
    buf_add_z(&m, " - ");
    buf_add(&m, text);
    if (to.len == PREFIX.len) {
        buf_add(out,
                str_sub(buf_str(&m), 0, DATAGRAM_MAX)); /* a longer one is refused as a whole */
        buf_add_char(out, '\0');
    } else {
        buf_addf(out, "%zu ", buf_str(&m).len);
        buf_add(out, buf_str(&m));
    }
}

static bool failed(struct err *err, const char *what, const char *why)
{
    return err_set(err, ERR_UNAVAILABLE, "syslogFailed", "%s: %s", what, why);
}

static bool send_local(struct str messages, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    struct str one;

    while (ok && str_cut(&messages, '\0', &one)) {
        if (one.len > 0)
            ok = send(fd, one.ptr, one.len, MSG_NOSIGNAL) == (ssize_t)one.len;
    }
    if (!ok)
        (void)failed(err, "/dev/log", strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static int open_tcp(const struct receiver *r)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    struct addrinfo *list = NULL;
    int fd = -1;

    if (getaddrinfo(r->host, r->port, &hints, &list) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    for (struct addrinfo *i = list; i && fd < 0; i = i->ai_next) {
        fd = socket(i->ai_family, i->ai_socktype | SOCK_CLOEXEC, i->ai_protocol);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
        if (connect(fd, i->ai_addr, i->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static bool send_tcp(const struct receiver *r, struct str messages, struct err *err)
{
    int fd = open_tcp(r);
    bool ok = fd >= 0;

    while (ok && messages.len > 0) {
        ssize_t n = send(fd, messages.ptr, messages.len, MSG_NOSIGNAL);

        ok = n > 0;
        if (ok)
            messages = str_from(messages, (size_t)n);
    }
    if (!ok)
        (void)failed(err, r->host, strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool syslog_send(struct str to, struct str messages, struct err *err)
{
    struct receiver r;

    if (!parse(to, &r))
        return syslog_check(to, err);
    return r.local ? send_local(messages, err) : send_tcp(&r, messages, err);
}
