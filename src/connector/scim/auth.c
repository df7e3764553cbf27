#include "connector/scim/auth.h"

#include "base/clock.h"
#include "base/unicode.h"

enum {
    HEADER_MAX = 2 * SECRET_MAX,
    FORM_MAX = 8 * SECRET_MAX,
    EARLY_S = 60, /* a token is renewed so long before its end, or in the middle of its life */
    LIFE_MIN_S = 2,
    LIFE_MAX_S = 86400, /* longer than this none is kept */
    SHOWN_COUNT = SCIM_OWN_SECRETS - 1,
    SHOWN_MAX = 300, /* bytes of what the token endpoint says */
};

struct scim_auth {
    struct scim_target *target;
    enum client_auth kind;
    const struct secret *secret;
    const char *name;                    /* of the header */
    char header[HEADER_MAX];             /* "Bearer TOKEN"; empty: there is none */
    char shown[SHOWN_COUNT][HEADER_MAX]; /* what was shown lately: an answer may repeat it */
    uint64_t number;                     /* of the token in it, counted up */

    /* OAuth */
    struct str token_url, client_id, scope;
    enum client_token_auth style;
    int64_t until_us; /* monotonic: when the token is to be renewed */
    bool accepted;    /* something was answered with it */
    bool fetching, failed;
};

/* --- The header --- */

/* A line break or NUL would end the header that carries it (scim.md 12). */
static bool is_header_text(struct str text, size_t *out_at)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            *out_at = i;
            return false;
        }
    }
    return true;
}

static void remember(struct scim_auth *auth)
{
    struct str credentials = str_from_z(auth->header);
    struct str scheme;

    (void)str_cut(&credentials, ' ', &scheme);
    (void)snprintf(auth->shown[auth->number % SHOWN_COUNT], HEADER_MAX, "%.*s",
                   STR_ARG(credentials));
}

static void set_bearer(struct scim_auth *auth, struct str token)
{
    (void)snprintf(auth->header, sizeof(auth->header), "Bearer %.*s", STR_ARG(token));
    auth->number++;
    auth->accepted = false;
    remember(auth);
}

static void write_basic(struct buf *out, struct str user, struct str password)
{
    CLEANUP(buf_done) struct buf plain;

    buf_init(&plain, FORM_MAX);
    buf_add(&plain, user);
    buf_add_char(&plain, ':');
    buf_add(&plain, password);
    buf_add_z(out, "Basic ");
    buf_add_base64(out, buf_str(&plain));
    explicit_bzero(plain.ptr, plain.len);
}

static bool take_basic(struct scim_auth *auth, struct str user, struct err *err)
{
    CLEANUP(buf_done) struct buf header;
    size_t at;

    buf_init(&header, sizeof(auth->header) - 1);
    if (user.len == 0 || str_find_char(user, ':', &at) || !is_header_text(user, &at)) {
        return err_set(err, ERR_INVALID, "badCredentials",
                       "client.auth.user has to be a user name without ':' when client.auth is "
                       "basic");
    }
    write_basic(&header, user, secret_reveal(auth->secret));
    (void)snprintf(auth->header, sizeof(auth->header), "%s", buf_z(&header));
    remember(auth);
    explicit_bzero(header.ptr, header.len);
    return true;
}

/* Names that mean something else to whoever passes the request on. */
static bool is_reserved(struct str name)
{
    static const struct str reserved[] = {
        STR_INIT("Host"),         STR_INIT("Connection"),      STR_INIT("Transfer-Encoding"),
        STR_INIT("Accept"),       STR_INIT("Accept-Encoding"), STR_INIT("X-Request-Id"),
        STR_INIT("Content-Type"), STR_INIT("Content-Length"),  STR_INIT("If-Match"),
    };

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (str_eq_ascii_nocase(name, reserved[i]))
            return true;
    }
    return false;
}

static bool take_header(struct scim_auth *auth, struct str name, struct str value, struct err *err)
{
    bool good = name.len > 0 && !is_reserved(name);
    size_t at;

    for (size_t i = 0; i < name.len; i++) {
        good = good && (ascii_is_alpha(name.ptr[i]) || ascii_is_digit(name.ptr[i]) ||
                        str_find_char(STR("-_."), name.ptr[i], &at));
    }
    if (!good) {
        return err_set(err, ERR_INVALID, "badCredentials",
                       "client.auth.header has to be the name of a header of its own, like "
                       "X-Api-Key, when client.auth is header");
    }
    auth->name = arena_z(auth->target->arena, name);
    (void)snprintf(auth->header, sizeof(auth->header), "%.*s", STR_ARG(value));
    return true;
}

/* --- Access tokens --- */

static bool take_oauth(struct scim_auth *auth, const struct job_settings *s, struct err *err)
{
    struct arena *a = auth->target->arena;
    struct scim_base parts;
    struct err why;

    if (s->token_url.len == 0 || s->client_id.len == 0) {
        return err_set(err, ERR_INVALID, "badCredentials",
                       "client.auth is oauth, but client.auth.%s is not set",
                       s->token_url.len ? "clientId" : "tokenUrl");
    }
    if (!scim_base_parse(a, s->token_url, s->allow_http, &parts, &why)) {
        return err_set(err, ERR_INVALID, "badCredentials", "client.auth.tokenUrl, as the %s",
                       why.message);
    }
    auth->token_url = arena_str(a, s->token_url);
    auth->client_id = arena_str(a, s->client_id);
    auth->scope = arena_str(a, s->token_scope);
    auth->style = s->token_auth;
    return true;
}

static void end_with(struct scim_auth *auth, const struct http_answer *answer, const char *why)
{
    struct scim_target *t = auth->target;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str secrets[SCIM_OWN_SECRETS];
    size_t count = scim_target_secrets(t, secrets);
    struct http_answer end = *answer;

    auth->header[0] = '\0';
    auth->failed = true;
    if (answer->failure != HTTP_OK) {
        (void)snprintf(end.reason, sizeof(end.reason), "no access token: %.230s", answer->reason);
    } else {
        struct str body = scim_excerpt(a, answer->body, SHOWN_MAX, secrets, count);

        end.body = arena_printf(a, "no access token: %s; the token endpoint answered %d %.*s", why,
                                answer->status, STR_ARG(body));
        /* What is wrong with the client is wrong for every request. */
        if (answer->status != 408 && answer->status != 429 && answer->status < 500)
            end.status = 401;
        end.location = end.etag = end.request_id = (struct str){0};
    }
    scim_send_fail(t, &end);
}

/* Seconds; as text, too. Tokens whose life is not told are used until they are refused; one that
 * has ended when it comes still has to be tried. */
static int64_t life_s(const struct json *document)
{
    const struct json *v = json_get_nocase(document, STR("expires_in"));
    struct str text = v ? v->text : STR("");
    int64_t seconds = LIFE_MAX_S;
    struct str whole;

    str_cut(&text, '.', &whole);
    if (!str_to_int(whole, 0, INT32_MAX, &seconds))
        seconds = LIFE_MAX_S;
    return seconds < LIFE_MIN_S ? LIFE_MIN_S : seconds < LIFE_MAX_S ? seconds : LIFE_MAX_S;
}

/* NULL: the answer is good, and its token is taken. */
static const char *take_token(struct scim_auth *auth, struct arena *a,
                              const struct http_answer *answer)
{
    struct json *document;
    struct err ignored;
    size_t at;

    if (answer->status / 100 != 2)
        return "the client is refused";
    if (!json_parse(a, answer->body, NULL, &document, NULL, &ignored) ||
        document->type != JSON_OBJECT)
        return "the answer is no JSON object";
    struct str token = json_get_text(document, "access_token");
    struct str type = json_get_text(document, "token_type");
    if (token.len == 0)
        return "the answer has no access_token";
    if (token.len > SECRET_MAX || !is_header_text(token, &at))
        return "the access_token is too long or has control characters";
    if (type.len && !str_eq_ascii_nocase(type, STR("Bearer")))
        return "the token_type is not Bearer";
    int64_t life_us = life_s(document) * US_PER_SECOND;
    int64_t early_us = EARLY_S * US_PER_SECOND;

    set_bearer(auth, token);
    auth->until_us =
        clock_monotonic_us() + (life_us > 2 * early_us ? life_us - early_us : life_us / 2);
    return NULL;
}

static void on_token(void *ctx, const struct http_answer *answer)
{
    struct scim_auth *auth = ctx;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *why = NULL;

    auth->fetching = false;
    if (answer->failure == HTTP_OK)
        why = take_token(auth, a, answer);
    if (answer->failure != HTTP_OK || why) {
        end_with(auth, answer, why);
        return;
    }
    auth->failed = false;
    (void)scim_send_waiting(auth->target);
}

static void add_field(struct buf *form, const char *name, struct str value)
{
    buf_add_z(form, form->len ? "&" : "");
    buf_add_z(form, name);
    buf_add_char(form, '=');
    http_url_encode(form, value);
}

/* The client in the Authorization header, encoded as RFC 6749, 2.3.1 has it. */
static void write_client(struct buf *out, const struct scim_auth *auth)
{
    CLEANUP(buf_done) struct buf id;
    CLEANUP(buf_done) struct buf secret;

    buf_init(&id, FORM_MAX);
    buf_init(&secret, FORM_MAX);
    http_url_encode(&id, auth->client_id);
    http_url_encode(&secret, secret_reveal(auth->secret));
    write_basic(out, buf_str(&id), buf_str(&secret));
    explicit_bzero(secret.ptr, secret.len);
}

/* Past the gate: it counts what the application is asked. */
static void fetch(struct scim_auth *auth)
{
    CLEANUP(buf_done) struct buf form;
    CLEANUP(buf_done) struct buf client;
    bool in_header = auth->style == TOKEN_AUTH_BASIC;

    buf_init(&form, FORM_MAX);
    buf_init(&client, FORM_MAX);
    add_field(&form, "grant_type", STR("client_credentials"));
    if (in_header) {
        write_client(&client, auth);
    } else {
        add_field(&form, "client_id", auth->client_id);
        add_field(&form, "client_secret", secret_reveal(auth->secret));
    }
    if (auth->scope.len)
        add_field(&form, "scope", auth->scope);
    const struct http_header headers[] = {
        {"Accept", STR("application/json")},
        {"Authorization", buf_str(&client)},
    };
    auth->fetching = true;
    http_client_send(auth->target->client,
                     &(struct http_call_options){
                         .method = HTTP_POST,
                         .url = auth->token_url,
                         .headers = headers,
                         .header_count = in_header ? 2 : 1,
                         .body = buf_str(&form),
                         .content_type = "application/x-www-form-urlencoded",
                     },
                     on_token, auth);
    explicit_bzero(form.ptr, form.len);
    if (client.len)
        explicit_bzero(client.ptr, client.len);
}

/* --- Public --- */

bool scim_auth_new(struct scim_target *t, const struct job_settings *s, const struct secret *secret,
                   struct scim_auth **out, struct err *err)
{
    struct scim_auth *auth = mem_alloc(sizeof(*auth));
    struct str text = secret_reveal(secret);
    bool ok = true;
    size_t at;

    *auth =
        (struct scim_auth){.target = t, .kind = s->auth, .secret = secret, .name = "Authorization"};
    if (!is_header_text(text, &at)) {
        ok = err_set(err, ERR_INVALID, "badToken",
                     "the token has a control character (a line break?) at character %zu", at + 1);
    } else {
        switch (auth->kind) {
        case AUTH_BEARER:
            set_bearer(auth, text);
            break;
        case AUTH_BASIC:
            ok = take_basic(auth, s->auth_user, err);
            break;
        case AUTH_OAUTH:
            ok = take_oauth(auth, s, err);
            break;
        case AUTH_HEADER:
            ok = take_header(auth, s->auth_header, text, err);
            break;
        }
    }
    if (ok) {
        *out = auth;
    } else {
        scim_auth_free(auth);
    }
    return ok;
}

void scim_auth_free(struct scim_auth *auth)
{
    if (!auth)
        return;
    explicit_bzero(auth->header, sizeof(auth->header));
    explicit_bzero(auth->shown, sizeof(auth->shown));
    free(auth);
}

bool scim_auth_ready(struct scim_auth *auth)
{
    if (auth->kind != AUTH_OAUTH || (auth->header[0] && clock_monotonic_us() < auth->until_us))
        return true;
    if (!auth->fetching)
        fetch(auth);
    return false;
}

struct str scim_auth_header(const struct scim_auth *auth, uint64_t *out_no)
{
    *out_no = auth->number;
    return str_from_z(auth->header);
}

const char *scim_auth_name(const struct scim_auth *auth)
{
    return auth->name;
}

bool scim_auth_renews(const struct scim_auth *auth)
{
    return auth->kind == AUTH_OAUTH;
}

void scim_auth_accepted(struct scim_auth *auth, uint64_t no)
{
    if (auth->number == no)
        auth->accepted = true;
}

bool scim_auth_refused(struct scim_auth *auth, uint64_t no)
{
    bool had_ended = auth->number != no || auth->accepted;

    if (auth->number == no)
        auth->header[0] = '\0';
    return had_ended;
}

enum client_auth scim_auth_kind(const struct scim_auth *auth)
{
    return auth->kind;
}

bool scim_auth_has_failed(const struct scim_auth *auth)
{
    return auth->failed;
}

size_t scim_target_secrets(const struct scim_target *t, struct str *out)
{
    out[0] = secret_reveal(t->auth->secret);
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        out[i + 1] = str_from_z(t->auth->shown[i]);
    return SCIM_OWN_SECRETS;
}
