/* Places for connections: how many there may be, of one peer and of all, and what becomes of those
 * that are too many. */
#include "http/server/internal.h"

#include <arpa/inet.h>
#include <unistd.h>

#define ROOM_TRIES 64 /* connections looked at when there is no place for another */

void places_note_peer(struct connection *c, const struct sockaddr_storage *address)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;

    memset(&c->peer_key, 0, sizeof(c->peer_key));
    if (address->ss_family == AF_INET6) {
        c->peer_key = six->sin6_addr;
    } else { /* as the IPv4-mapped address, so that both families share a key */
        c->peer_key.s6_addr[10] = c->peer_key.s6_addr[11] = 0xff;
        memcpy(&c->peer_key.s6_addr[12], &four->sin_addr, sizeof(four->sin_addr));
    }
    if (IN6_IS_ADDR_V4MAPPED(&c->peer_key)) {
        inet_ntop(AF_INET, &c->peer_key.s6_addr[12], c->peer, sizeof(c->peer));
    } else {
        inet_ntop(AF_INET6, &c->peer_key, c->peer, sizeof(c->peer));
    }
}

/* Too many: said in one line to a plain client, as far as it fits into the socket. */
void places_turn_away(struct http_loop *loop, int fd)
{
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                               "Content-Length: 0\r\nRetry-After: 5\r\n\r\n";

    atomic_fetch_add_explicit(&loop->refused, 1, memory_order_relaxed);
    if (!loop->server->tls && send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

/* When all places are taken, one that waits for nothing but its next request gives its up: of the
 * oldest of this loop, and not many are asked. */
static void make_room(struct http_loop *loop)
{
    struct connection *c = loop->oldest;

    for (int i = 0; c && i < ROOM_TRIES; i++, c = c->prev) {
        if (c->state != CONNECTION_IDLE)
            continue;
        connection_close(c);
        connection_settle(c);
        return;
    }
}

/* Counts the connection; false, and not counted, when there is no place for it. */
bool places_enter(struct http_loop *loop, const struct connection *c)
{
    struct http_server *s = loop->server;
    unsigned max = s->config.limits.max_connections;

    if (!peers_enter(s->peers, &c->peer_key))
        return false;
    if (atomic_fetch_add(&s->open_now, 1) >= max) {
        make_room(loop);
        if (atomic_load(&s->open_now) > max) {
            atomic_fetch_sub(&s->open_now, 1);
            peers_leave(s->peers, &c->peer_key);
            return false;
        }
    }
    return true;
}
