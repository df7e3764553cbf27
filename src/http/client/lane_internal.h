/* What lanes.c (all of them), lane.c (one, and what it sends) and lane_answer.c (what it reads)
 * share. */
#pragma once

#include "http/client/lane.h"
#include "http/llhttp.h"

#include <zlib.h>

#define NEVER INT64_MAX

enum moved { MOVED, MOVED_LATER, MOVED_NEVER };

struct http_lane {
    struct curl_owner owner; /* first */
    struct http_lanes *lanes;
    struct http_lane *next;
    CURL *easy;             /* holds the connection */
    struct buf origin;      /* as call->origin */
    struct http_call *call; /* NULL: idle */
    int fd;                 /* -1: being opened */
    bool tls;
    bool used;    /* has carried a request before this one */
    bool dead;    /* to be closed when nothing stands on it any more */
    bool writing; /* watched for it */
    char error[CURL_ERROR_SIZE];

    struct buf head;  /* of the request, with a short body */
    size_t sent;      /* bytes of head and, if it is not in there, body */
    bool body_inside; /* the body is in `head` */

    llhttp_t parser;
    struct buf name, value;                 /* of the header line that comes */
    bool answered;                          /* completely */
    bool not_http;                          /* what came is no answer */
    bool heard;                             /* some of the answer has come */
    bool unpacking;                         /* the body is gzip */
    bool unpacked;                          /* ... and has come to its end */
    z_stream *gzip;                         /* NULL: never needed */
    int64_t deadline_us, heard_us, idle_us; /* monotonic */
};

/* lane.c */
void lane_open(struct http_lanes *l, struct http_call *call); /* for that call; counted as busy */
void lane_free(struct http_lane *lane);                       /* closes its connection */
/* At most max bytes to p. MOVED with 0 of them: the peer has closed. */
enum moved lane_read(struct http_lane *lane, char *p, size_t max, size_t *out_n);
void lane_watch(struct http_lane *lane, bool writing);
void lane_put_on(struct http_lane *lane, struct http_call *call); /* sends it */
/* More of the request. When it cannot be sent, the lane is dead, and what the peer may have
 * answered before it closed is still to be read. */
void lane_send_on(struct http_lane *lane);
bool lane_sent_all(const struct http_lane *lane);
/* By when something has to come; lanes->due_us is not later. */
void lane_note_deadline(struct http_lane *lane);

/* lane_answer.c */
void lane_answer_begin(struct http_lane *lane);
/* Takes bytes that came; what is then known stands in answered, not_http, and the call. */
void lane_answer_feed(struct http_lane *lane, const char *p, size_t n);
void lane_answer_end(struct http_lane *lane); /* the peer has closed */
void lane_answer_free(struct http_lane *lane);
