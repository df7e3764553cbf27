/* TLS on both ends, with a certificate that the test makes itself. */
#include "base/file.h"
#include "fixture.h"
#include "http/client.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct pair {
    char cert[300], key[300]; /* paths */
};

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    CHECK(e && X509_add_ext(x, e, -1) == 1, "%s", value);
    X509_EXTENSION_free(e);
}

static void make_pair(struct pair *p, const char *name, const char *hosts)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *file;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    add_extension(x, NID_subject_alt_name, hosts);
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    CHECK(X509_sign(x, key, EVP_sha256()) > 0, "sign");
    const char *dir = test_temp_dir();
    snprintf(p->cert, sizeof(p->cert), "%s/cert.pem", dir);
    snprintf(p->key, sizeof(p->key), "%s/key.pem", dir);
    file = fopen(p->cert, "w");
    CHECK(file && PEM_write_X509(file, x) == 1 && fclose(file) == 0, "%s", p->cert);
    file = fopen(p->key, "w");
    CHECK(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              fclose(file) == 0,
          "%s", p->key);
    X509_free(x);
    EVP_PKEY_free(key);
}

struct result {
    enum http_failure failure;
    int status;
    size_t length;
    char reason[256];
    unsigned done;
};

static void note(void *ctx, const struct http_answer *a)
{
    struct result *r = ctx;

    r->failure = a->failure;
    r->status = a->status;
    r->length = a->body.len;
    memcpy(r->reason, a->reason, sizeof(r->reason));
    r->done++;
}

static struct http_client *client_with(const char *ca_file)
{
    struct http_client_config config = {.ca_file = ca_file, .max_answer = 16 << 20};
    struct http_client *c;
    struct err err;

    CHECK(http_client_new(&config, &c, &err), "%s", err.message);
    return c;
}

static void ask(struct http_client *c, const struct http_call_options *o, struct result *r)
{
    *r = (struct result){0};
    http_client_send(c, o, note, r);
    for (int i = 0; i < 20 && !r->done; i++)
        http_client_run(c, 1000);
    CHECK(r->done == 1, "%u", r->done);
}

static void trusts_only_whom_it_is_told(void **state)
{
    struct fixture f;
    struct pair good, other;
    struct result r;
    char url[64], by_name[64];

    (void)state;
    make_pair(&good, "usher test", "IP:127.0.0.1");
    make_pair(&other, "another", "IP:127.0.0.1");
    fixture_start(&f, (struct http_server_config){.tls_cert = good.cert, .tls_key = good.key});
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/hello", (unsigned)f.port);
    snprintf(by_name, sizeof(by_name), "https://localhost:%u/hello", (unsigned)f.port);
    const struct {
        const char *label, *ca_file, *url;
        enum http_failure failure;
    } cases[] = {
        {"system's authorities only", NULL, url, HTTP_TLS_FAILED},
        {"another authority", other.cert, url, HTTP_TLS_FAILED},
        {"its own authority", good.cert, url, HTTP_OK},
        {"a name that is not in the certificate", good.cert, by_name, HTTP_TLS_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_client *c = client_with(cases[i].ca_file);

        ask(c, &(struct http_call_options){.url = str_from_z(cases[i].url)}, &r);
        CHECK(r.failure == cases[i].failure, "%s: %s %s", cases[i].label,
              http_failure_name(r.failure), r.reason);
        http_client_free(c);
    }
    fixture_stop(&f);
}

static void carries_large_bodies(void **state)
{
    struct http_client *c;
    struct fixture f;
    struct pair p;
    struct result r;
    struct buf body;
    char url[64];

    (void)state;
    make_pair(&p, "usher test", "IP:127.0.0.1");
    fixture_start(&f, (struct http_server_config){.tls_cert = p.cert, .tls_key = p.key});
    c = client_with(p.cert);
    buf_init(&body, 8 << 20);
    while (body.len < 4000000)
        buf_add(&body, STR("0123456789"));
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/big", (unsigned)f.port);
    ask(c,
        &(struct http_call_options){
            .method = HTTP_POST, .url = str_from_z(url), .body = buf_str(&body)},
        &r);
    CHECK(r.failure == HTTP_OK && r.status == 200 && r.length == 7, "%s", r.reason);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/held", (unsigned)f.port);
    r = (struct result){0};
    http_client_send(c, &(struct http_call_options){.url = str_from_z(url)}, note, &r);
    while (!fixture_has_held(&f))
        http_client_run(c, 1);
    http_reply(fixture_held(&f), 200, "text/plain", buf_str(&body));
    for (int i = 0; i < 2000 && !r.done; i++)
        http_client_run(c, 1000);
    CHECK(r.failure == HTTP_OK && r.length == 4000000, "%s", r.reason);
    buf_done(&body);
    http_client_free(c);
    fixture_stop(&f);
}

static void keeps_many_in_flight(void **state)
{
    struct http_counters counters;
    struct result results[100] = {0};
    struct http_client *c;
    struct fixture f;
    struct pair p;
    unsigned left;
    char url[64];

    (void)state;
    make_pair(&p, "usher test", "IP:127.0.0.1");
    fixture_start(&f,
                  (struct http_server_config){.tls_cert = p.cert, .tls_key = p.key, .loops = 2});
    c = client_with(p.cert);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/hello", (unsigned)f.port);
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        http_client_send(c, &(struct http_call_options){.url = str_from_z(url)}, note, &results[i]);
    for (int i = 0; (left = http_client_in_flight(c)) > 0 && i < 2000; i++)
        http_client_run(c, 1000);
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        CHECK(results[i].failure == HTTP_OK && results[i].status == 200, "%zu: %s", i,
              results[i].reason);
    http_server_counters(f.server, &counters);
    /* One that finds out whether HTTP/2 is spoken, and is closed then. */
    CHECK(counters.connections <= 32 + 1, "%llu", (unsigned long long)counters.connections);
    http_client_free(c);
    fixture_stop(&f);
}

/* Neither end is confused by the other speaking plain HTTP. */
static void meets_plain_http(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct http_client *c;
    struct fixture plain, tls;
    struct pair p;
    struct result result;
    char url[64];

    (void)state;
    make_pair(&p, "usher test", "IP:127.0.0.1");
    fixture_start(&plain, (struct http_server_config){0});
    fixture_start(&tls, (struct http_server_config){.tls_cert = p.cert, .tls_key = p.key});
    c = client_with(p.cert);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/hello", (unsigned)plain.port);
    ask(c, &(struct http_call_options){.url = str_from_z(url)}, &result);
    CHECK(result.failure == HTTP_TLS_FAILED, "%s", result.reason);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello", (unsigned)tls.port);
    ask(c, &(struct http_call_options){.url = str_from_z(url)}, &result);
    CHECK(result.failure == HTTP_NOT_HTTP || result.failure == HTTP_DROPPED, "%s", result.reason);
    raw_reader_init(&r, raw_connect(plain.port));
    raw_send(r.fd, STR("\x16\x03\x01\x00\xa5\x01\x00"));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "400 Bad Request: this port speaks plain HTTP, not TLS\n", "words for it");
    raw_reader_done(&r);
    http_client_free(c);
    fixture_stop(&plain);
    fixture_stop(&tls);
}

/* A handshake that never ends is under the head's deadline. */
static void ends_slow_handshakes(void **state)
{
    struct raw_reader r;
    struct fixture f;
    struct pair p;

    (void)state;
    make_pair(&p, "usher test", "IP:127.0.0.1");
    fixture_start(&f, (struct http_server_config){
                          .tls_cert = p.cert, .tls_key = p.key, .limits = {.head_ms = 50}});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send(r.fd, STR("\x16\x03\x01"));
    CHECK(raw_at_end(&r), "closed");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void refuses_bad_key_files(void **state)
{
    struct http_server *s;
    struct pair one, two;
    struct err err;

    (void)state;
    make_pair(&one, "one", "IP:127.0.0.1");
    make_pair(&two, "two", "IP:127.0.0.1");
    const struct {
        const char *label, *cert, *key;
    } cases[] = {
        {"no key", one.cert, NULL},
        {"key of another certificate", one.cert, two.key},
        {"files swapped", one.key, one.cert},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_server_config config = {
            .address = "127.0.0.1", .tls_cert = cases[i].cert, .tls_key = cases[i].key};

        CHECK(!http_server_start(&config, &s, &err), "%s", cases[i].label);
        CHECK_STR(str_from_z(err.code), "badCertificate", "%s: %s", cases[i].label, err.message);
    }
}

TEST_GROUP(tls, cmocka_unit_test(trusts_only_whom_it_is_told),
           cmocka_unit_test(carries_large_bodies), cmocka_unit_test(keeps_many_in_flight),
           cmocka_unit_test(meets_plain_http), cmocka_unit_test(ends_slow_handshakes),
           cmocka_unit_test(refuses_bad_key_files))
