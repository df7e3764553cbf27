/* The client's sockets on its event base: those that libcurl waits for, and those of the lanes.
 *
 * A socket's read event stays registered while its connection is kept alive, although libcurl asks
 * for its removal after each request and for its return with the next: two system calls less a
 * request. When an event comes that libcurl does not wait for, it is removed; when libcurl closes
 * the socket, it goes. The client's thread only. */
#pragma once

#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct http_lane;

struct http_sockets {
    struct event_base *base;
    CURLM *multi;
    struct watch **watches; /* by descriptor */
    size_t watches_cap;
};

/* As CURLMOPT_SOCKETFUNCTION, and what opens and closes the sockets; ctx is a struct
 * http_sockets. */
int sockets_wish(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx);
int sockets_open(void *ctx, int family, int type, int protocol);
int sockets_close(void *ctx, curl_socket_t fd);
/* From now on its events are the lane's (lane_ready): reading, and writing if so. */
void sockets_watch_lane(struct http_sockets *s, int fd, struct http_lane *lane, bool writing);
void sockets_done(struct http_sockets *s); /* when all are closed */
