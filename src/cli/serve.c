/* `usher serve`: the service, until it is told to stop. */
#include "base/log.h"
#include "cli/sending.h"
#include "cli/service.h"
#include "cli/supervisor.h"

static bool parse(const struct cli_args *args, struct service_options *out, struct err *err)
{
    const char *roles = cli_setting(args, "--role");

    *out = (struct service_options){
        .listen = cli_setting(args, "--listen"),
        .roles = SERVICE_ALL,
        .tls_cert = cli_setting(args, "--tls-cert"),
        .tls_key = cli_setting(args, "--tls-key"),
        .public_url = cli_setting(args, "--public-url"),
        .ca_file = cli_setting(args, "--ca-file"),
    };
    return !roles || service_roles_parse(str_from_z(roles), &out->roles, err);
}

static bool start(struct service *s, struct cli_wire *w, struct cli_sending *sending,
                  const struct cli_args *args, struct err *err)
{
    struct service_options options;

    return parse(args, &options, err) && cli_wire_begin(w, w->cli, err) &&
           cli_sending_init(sending, w, args, err) && service_start(s, w, &options, err) &&
           (!(options.roles & SERVICE_ENGINE) || service_schedule(s, &sending->how, err));
}

static int run_serve(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(cli_sending_done) struct cli_sending sending = {0};
    CLEANUP(service_stop) struct service s = {0};
    struct err err = {.kind = ERR_NONE};
    struct str url;

    cli_interrupt_begin();
    if (!start(&s, &w, &sending, args, &err))
        return cli_fail(c, &err);
    url = service_url(&s);
    cli_say(c, "usher listens on %.*s", STR_ARG(url));
    fflush(c->out);
    log_event(LOG_INFO, "server_started", LOG_TEXT("url", url));
    supervisor_tell("READY=1");
    cli_interrupt_wait();
    supervisor_tell("STOPPING=1");
    log_event(LOG_INFO, "server_stopping");
    return 0;
}

const struct cli_option service_settings[] = {
    {"--listen", "ADDRESS:PORT", "where to listen (default 127.0.0.1:8080)"},
    {"--role", "ROLES", "api, engine, provider, separated by commas (default: all)"},
    {"--tls-cert", "FILE", "certificate chain, PEM: serves HTTPS"},
    {"--tls-key", "FILE", "its private key, PEM"},
    {"--public-url", "URL", "where clients reach it, for base URLs (default: where it listens)"},
    CLI_MAIL_OPTIONS,
};
const size_t service_setting_count = ARRAY_LEN(service_settings);

static const struct cli_command commands[] = {
    {
        .name = "serve",
        .makes_data = true,
        .is_service = true,
        .usage = "[--listen ADDRESS:PORT] [--role ROLES] [--tls-cert F --tls-key F] "
                 "[--public-url URL] [--smtp-url URL ...]",
        .summary = "run the service: cycles on schedule, SCIM tenants",
        .help =
            "Runs until SIGTERM or Ctrl-C, then ends what is in flight. Each option may stand in the\n"
            "environment (USHER_LISTEN, USHER_TLS_CERT ...) or in a configuration file, usher.yaml\n"
            "(listen, tls-cert ...): docs/manual/service.md.\n"
            "A tenant's base URL is /scim/NAME/v2; /healthz, /readyz and /metrics say how it is.\n\n"
            "  usher serve --listen 127.0.0.1:8080\n",
        .options = service_settings,
        .option_count = ARRAY_LEN(service_settings),
        .run = run_serve,
    },
};

const struct cli_commands serve_commands = {commands, ARRAY_LEN(commands)};
