/* A bare libcurl loop: sends recorded requests (bench_sink RECORD) with a given concurrency and
 * prints the requests per second. It is what the engine's cycle is compared with: the same bodies,
 * to the same sink, over as many connections. bench_loop RECORD PORT CONCURRENCY */
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

struct request {
    const char *method;
    char *url;
    struct str body;
};

struct requests {
    struct request *items;
    size_t count;
};

static bool load(struct arena *a, const char *path, const char *port, struct requests *out)
{
    struct str rest;
    struct err err;
    struct str method, target, length;
    size_t cap = 1 << 22;
    int64_t n;

    if (!file_read(a, path, SIZE_MAX >> 2, &rest, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    out->items = ARENA_ARRAY(a, struct request, cap);
    while (rest.len > 0 && out->count < cap) {
        struct request *r = &out->items[out->count++];

        str_cut(&rest, ' ', &method);
        str_cut(&rest, ' ', &target);
        str_cut(&rest, '\n', &length);
        if (!str_to_int(length, 0, INT32_MAX, &n))
            return false;
        r->method = arena_z(a, method);
        r->url = arena_z(a, arena_printf(a, "http://127.0.0.1:%s%.*s", port, STR_ARG(target)));
        r->body = str_sub(rest, 0, (size_t)n);
        rest = str_from(rest, (size_t)n + 1);
    }
    return true;
}

static size_t swallow(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

static void send_next(CURLM *multi, CURL *easy, const struct requests *all, size_t *next)
{
    const struct request *r = &all->items[(*next)++];

    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    if (r->body.len > 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.ptr);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)r->body.len);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_multi_add_handle(multi, easy);
}

int main(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct requests all = {0};
    struct curl_slist *headers = NULL;
    size_t next = 0, done = 0;
    long concurrency;
    CURLM *multi;
    int64_t began;
    double seconds;

    if (argc != 4 || !load(a, argv[1], argv[2], &all))
        return 2;
    concurrency = strtol(argv[3], NULL, 10);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, concurrency);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, concurrency);
    headers = curl_slist_append(headers, "Content-Type: application/scim+json");
    headers = curl_slist_append(headers, "Authorization: Bearer 0123456789abcdef0123456789abcdef");
    headers = curl_slist_append(headers, "Expect:");
    began = clock_monotonic_us();
    for (long i = 0; i < concurrency && next < all.count; i++) {
        CURL *easy = curl_easy_init();

        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
        send_next(multi, easy, &all, &next);
    }
    while (done < all.count) {
        int running, left;
        CURLMsg *message;

        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left))) {
            CURL *easy = message->easy_handle;

            if (message->msg != CURLMSG_DONE)
                continue;
            if (message->data.result != CURLE_OK) {
                fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
                return 1;
            }
            done++;
            curl_multi_remove_handle(multi, easy);
            if (next < all.count)
                send_next(multi, easy, &all, &next);
            else
                curl_easy_cleanup(easy);
        }
        if (done < all.count)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    seconds = (double)(clock_monotonic_us() - began) / 1e6;
    printf("%.0f\n", (double)all.count / seconds);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    return 0;
}
