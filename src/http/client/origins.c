#include "http/client/origins.h"

const struct http_origin *origins_find(const struct http_origins *o, const struct http_call *call)
{
    for (size_t i = 0; i < o->count; i++) {
        if (str_eq(buf_str(&o->items[i].text), buf_str(&call->origin)))
            return &o->items[i];
    }
    return NULL;
}

void origins_learn(struct http_origins *all, const struct http_call *call)
{
    long version = 0;
    struct http_origin *o;

    if (!call->tls || origins_find(all, call))
        return;
    curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_1_1 && version != CURL_HTTP_VERSION_2_0)
        return;
    o = &all->items[all->next++ % HTTP_ORIGINS_MAX];
    if (all->count < HTTP_ORIGINS_MAX)
        all->count++;
    buf_done(&o->text);
    buf_init(&o->text, call->origin.max);
    buf_add(&o->text, buf_str(&call->origin));
    o->multiplexes = version == CURL_HTTP_VERSION_2_0;
}

void origins_done(struct http_origins *o)
{
    for (size_t i = 0; i < o->count; i++)
        buf_done(&o->items[i].text);
    *o = (struct http_origins){.count = 0};
}
