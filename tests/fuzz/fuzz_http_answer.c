/* Any bytes as what a server answers. What must hold: how they were cut into packets makes no
 * difference, and an answer is either complete, no HTTP, too large, or cut off. The first byte of
 * the input says where the cut is, the second one the method. */
#include "http/client/lane_internal.h"

#define ANSWER_MAX 2000

static struct http_lane *the_lane(void)
{
    static const struct call_settings settings = {.max_answer = ANSWER_MAX};
    static struct http_lane lane;

    if (!lane.call) {
        lane.call = call_new(&settings);
        lane.fd = -1;
    }
    return &lane;
}

struct outcome {
    bool answered, not_http, too_large;
    int status;
    size_t body, etag;
    uint64_t hash;
};

static bool is_over(const struct http_lane *lane)
{
    return lane->answered || lane->not_http || lane->call->too_large;
}

static void feed(struct http_lane *lane, struct str bytes)
{
    /* A place of its own: reading over its end is noticed. */
    char *copy = mem_alloc(bytes.len ? bytes.len : 1);

    if (bytes.len > 0 && !is_over(lane)) {
        memcpy(copy, bytes.ptr, bytes.len);
        lane_answer_feed(lane, copy, bytes.len);
    }
    free(copy);
}

static struct outcome read_answer(struct str bytes, size_t cut, enum http_method method)
{
    struct http_lane *lane = the_lane();
    struct http_call *call = lane->call;
    struct outcome o;

    call_recycle(call);
    call->method = method;
    lane->dead = false;
    lane_answer_begin(lane);
    feed(lane, str_sub(bytes, 0, cut));
    feed(lane, str_from(bytes, cut));
    if (!is_over(lane))
        lane_answer_end(lane);
    assert(call->body.len <= ANSWER_MAX);
    o = (struct outcome){
        .answered = lane->answered, .not_http = lane->not_http, .too_large = call->too_large};
    if (lane->answered) {
        assert(!lane->not_http && !call->too_large && call->head_done);
        o.status = call->status;
        o.body = call->body.len;
        o.etag = call->etag.len;
        o.hash = str_hash(buf_str(&call->body)) ^ str_hash(buf_str(&call->seen));
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes;
    struct outcome whole, parts;
    enum http_method method;

    if (size < 2)
        return 0;
    bytes = (struct str){(const char *)data + 2, size - 2};
    method = data[1] % 2 ? HTTP_HEAD : HTTP_GET;
    whole = read_answer(bytes, bytes.len, method);
    parts = read_answer(bytes, data[0] < bytes.len ? data[0] : bytes.len, method);
    /* Of packed bytes that are both broken and too many, either may be noticed first. */
    assert(whole.answered == parts.answered &&
           (whole.not_http || whole.too_large) == (parts.not_http || parts.too_large) &&
           whole.status == parts.status && whole.body == parts.body && whole.etag == parts.etag &&
           whole.hash == parts.hash);
    return 0;
}
