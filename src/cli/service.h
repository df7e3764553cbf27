/* The service: HTTP with the SCIM provider, and the scheduler of the engine, in one process or
 * split by roles. */
#pragma once

#include "cli/wire.h"
#include "engine/stream.h"
#include "http/server.h"
#include "notify/sender.h"
#include "provider/provider.h"

enum service_role { SERVICE_API = 1, SERVICE_ENGINE = 2, SERVICE_PROVIDER = 4 };
#define SERVICE_ALL (SERVICE_API | SERVICE_ENGINE | SERVICE_PROVIDER)

/* What can be set for the service: the options of `usher serve`. */
extern const struct cli_option service_settings[];
extern const size_t service_setting_count;

struct service_options {
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080", ":8080"; NULL: the first of these */
    unsigned roles;     /* 0: all */
    const char *tls_cert, *tls_key; /* PEM files, both or none */
    const char *public_url;         /* where clients reach it; NULL: where it listens */
    const char *ca_file;            /* PEM of a private authority, for webhooks; NULL */
};

struct service {
    struct cli_wire *wire;
    struct provider *provider;
    struct http_server *http;
    struct engine_scheduler *scheduler;
    struct notify_sender *notices;
    struct engine_streamer *streamer;
    struct http_route *routes;
    const char *address;
    bool tls;
};

/* Starts listening; with the role engine the scheduler is started by service_schedule. ERR_INVALID
 * "addressInUse" and the like, naming --listen. Threads started here get no signals. */
MUST_USE bool service_start(struct service *s, struct cli_wire *wire,
                            const struct service_options *options, struct err *err);
/* With the scheduler, the sender of its notices. */
MUST_USE bool service_schedule(struct service *s, const struct notify_sending *notices,
                               struct err *err);
/* "http://127.0.0.1:8080", in the arena of the command. */
struct str service_url(const struct service *s);
void service_stop(struct service *s); /* drains; also after a failed start */

/* "api,engine": bits of enum service_role. ERR_INVALID "usage". */
MUST_USE bool service_roles_parse(struct str text, unsigned *out, struct err *err);
/* Address and port of a --listen text; the address is in a. ERR_INVALID "usage". */
MUST_USE bool service_listen_parse(struct arena *a, struct str text, const char **out_address,
                                   uint16_t *out_port, struct err *err);
