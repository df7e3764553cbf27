/* What lane.c (a lane's life) and lane_answer.c (what it reads) share. */
#pragma once

#include "http/lane.h"
#include "http/llhttp.h"

#include <zlib.h>

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

/* lane_answer.c */
void lane_answer_begin(struct http_lane *lane);
/* Takes bytes that came; what is then known stands in answered, not_http, and the call. */
void lane_answer_feed(struct http_lane *lane, const char *p, size_t n);
void lane_answer_end(struct http_lane *lane); /* the peer has closed */
void lane_answer_free(struct http_lane *lane);
