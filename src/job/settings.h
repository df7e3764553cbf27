/* The settings of a job beyond its record: how it deprovisions, what its guard holds back, how hard
 * its target may be asked, what its client does (engine.md 6.3, 8, 9, 13.3, 17; scim.md 10.5). Each
 * has a name, a kind, a default and limits, all in one table (settings.c); the database keeps only
 * what an administrator has set. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

/* What becomes of an account when its person leaves (engine.md 6.3). */
enum removal_event {
    REMOVAL_UNASSIGNED,
    REMOVAL_FILTERED_OUT,
    REMOVAL_SOURCE_DISABLED,
    REMOVAL_SOURCE_SOFT_DELETED,
    REMOVAL_SOURCE_HARD_DELETED,
    REMOVAL_EVENT_COUNT
};
enum removal_action {
    REMOVAL_DEFAULT, /* the documented behaviour */
    REMOVAL_DISABLE,
    REMOVAL_DELETE,
    REMOVAL_SET_ATTRIBUTE,
    REMOVAL_KEEP, /* nothing is done */
};
struct removal_policy {
    enum removal_action action;
    struct str attribute, value; /* of REMOVAL_SET_ATTRIBUTE */
    int64_t grace_us;            /* how long it is held off; 0: at once */
};

enum quarantine_profile { QUARANTINE_SCALED, QUARANTINE_COMPAT };
enum drift_answer { DRIFT_REPORT, DRIFT_REPAIR, DRIFT_ACCEPT };
enum listing_choice { LISTING_AUTO, LISTING_ALWAYS, LISTING_NEVER };
enum client_dialect { DIALECT_RFC, DIALECT_ENTRA2020, DIALECT_ENTRA_LEGACY };
enum client_update { UPDATE_METHOD_AUTO, UPDATE_METHOD_PATCH, UPDATE_METHOD_PUT };
enum client_choice { CHOICE_DIALECT, CHOICE_FALSE, CHOICE_TRUE }; /* DIALECT: as the dialect says */
enum client_member_remove { MEMBER_REMOVE_DIALECT, MEMBER_REMOVE_FILTER, MEMBER_REMOVE_ARRAY };
enum client_remove { REMOVE_BY_REMOVE, REMOVE_BY_EMPTY_REPLACE };
enum client_manager { MANAGER_OBJECT, MANAGER_ID, MANAGER_ARRAY };
enum client_disable { DISABLE_BY_ACTIVE, DISABLE_BY_DELETE, DISABLE_NOT };
enum client_delete { DELETE_BY_DELETE, DELETE_BY_ACTIVE, DELETE_NOT };
enum client_blank { BLANK_PERCENT20, BLANK_PLUS };
/* How the secret SecretToken opens the application: as it is, as a user's password, or to get
 * access tokens with (scim.md 13). */
enum client_auth { AUTH_BEARER, AUTH_BASIC, AUTH_OAUTH, AUTH_HEADER };
enum client_token_auth { TOKEN_AUTH_BODY, TOKEN_AUTH_BASIC }; /* where the client secret stands */
enum client_bulk { BULK_AUTO, BULK_OFF };

struct job_settings {
    /* lifecycle */
    struct removal_policy removal[REMOVAL_EVENT_COUNT];
    bool skip_out_of_scope;     /* unassigned and filtered out: the account stays (6.3, note a) */
    bool skip_disabled;         /* disabled and soft-deleted: the account stays */
    bool delete_after_unassign; /* a hard delete is told to the target after an unassignment, too */
    bool create_inactive;       /* people disabled in the source get a disabled account */
    bool nested_groups;         /* members of members of an assigned group are assigned */
    struct str roles;           /* ids of the app roles that count, comma-separated; empty: all */
    struct str default_domain;  /* of the directory; empty: the one most people are in */
    bool clear_references;      /* a manager that is removed is cleared */
    bool push;                  /* a change of the source starts a cycle at once */

    /* guard */
    bool guard;
    int64_t guard_count;           /* more removals than this are held */
    int64_t guard_percent;         /* ... and more than this share of the accounts */
    int64_t guard_percent_least;   /* ... once they are at least so many */
    int64_t guard_window_us;       /* the rolling window of both numbers */
    struct str protected_accounts; /* target ids or matching values, comma-separated */
    struct str protected_filter;   /* a SCIM filter over what the target says */

    /* failures */
    enum quarantine_profile quarantine_profile;
    int64_t quarantine_min_failures; /* 0: as the profile says */
    bool skipped_one_by_one; /* who is skipped and never had an account is in the log, too */
    int64_t retention_us;    /* how long the provisioning log is kept; 0: for ever */

    /* drift */
    int64_t drift_interval_us; /* 0: never by itself */
    enum drift_answer drift;
    struct str drift_attributes; /* "ATTRIBUTE=report|repair|accept", comma-separated */

    /* notices */
    struct str notify_events;  /* kinds of events, comma-separated; empty: all */
    int64_t notify_batch_us;   /* events of this long go in one mail; 0: each at once */
    int64_t notify_escrows;    /* told when so many objects are parked; 0: never */
    bool notify_digest;        /* a daily list of failing objects */
    struct str journal_stream; /* engine/stream.h */
    struct str notify_webhook; /* URL */

    /* credentials; the secret itself is SecretToken */
    enum client_auth auth;
    struct str auth_user;                         /* of AUTH_BASIC */
    struct str auth_header;                       /* of AUTH_HEADER: its name */
    struct str token_url, client_id, token_scope; /* of AUTH_OAUTH */
    enum client_token_auth token_auth;
    struct str ca_file, cert_file, key_file; /* PEM; empty: the system's, none */

    /* client */
    enum listing_choice listing; /* whether the target is read whole before a first cycle */
    enum client_dialect dialect;
    enum client_update update_method;
    enum client_choice combine_replace;
    int64_t max_ops, max_members;
    enum client_member_remove member_remove;
    enum client_remove remove_style;
    enum client_manager manager_style;
    enum client_disable disable_via;
    enum client_delete delete_via;
    bool group_create, group_delete;
    enum client_blank filter_encoding;
    bool empty_is_404;
    int64_t rate; /* requests a second; RATE_AUTO: found out; 0: no limit */
    int64_t concurrency;
    enum client_bulk bulk;
    bool allow_http, deny_private, scan_when_filter_ignored;
    int64_t connect_us, answer_us, total_us;
    bool primary_for_work, send_meta;
    struct str user_agent; /* "default": the product's name and version; empty: none */
};
#define RATE_AUTO (-1)

/* A setting as people read it. */
struct job_setting {
    struct str name;    /* "guard.count" */
    struct str value;   /* in force */
    struct str initial; /* its default */
    const char *allowed, *help;
    bool set; /* somebody has set it */
};

void job_settings_default(struct job_settings *out);

/* Texts belong to a. */
MUST_USE bool job_settings_load(struct db *db, struct arena *a, int64_t job_no,
                                struct job_settings *out, struct err *err);

/* Sets one by its name (case does not matter), or with an empty value back to its default; joins
 * the caller's transaction. *out_before, if not NULL, gets the value that was in force (in a).
 * ERR_INVALID "unknownSetting" with the nearest name, "badSetting" with what is allowed. */
MUST_USE bool job_setting_save(struct db *db, struct arena *a, int64_t job_no, struct str name,
                               struct str value, struct str *out_before, struct err *err);

/* The value in force of one. Errors as above. */
MUST_USE bool job_setting_value(struct db *db, struct arena *a, int64_t job_no, struct str name,
                                struct str *out, struct err *err);

/* All of them in the order of the table, texts in a. */
MUST_USE bool job_settings_list(struct db *db, struct arena *a, int64_t job_no,
                                struct job_setting **out, size_t *out_count, struct err *err);

/* Applies "NAME" "VALUE" to settings in hand, without a database. Errors as job_setting_save. */
MUST_USE bool job_settings_apply(struct job_settings *s, struct arena *a, struct str name,
                                 struct str value, struct err *err);

/* "unassigned", ...; "default", ... */
const char *removal_event_name(enum removal_event e);
