#include "provider/statements.h"

/* The columns of a stored resource, in the order of store.c. */
#define COLUMNS                                                               \
    "r.id, r.type, r.doc, r.version, r.created_us, r.modified_us, r.manager," \
    " EXISTS (SELECT 1 FROM provider_member AS g"                             \
    "          WHERE g.tenant_no = r.tenant_no AND g.member_id = r.id), r.member_count"

/* Candidates for a filter, if there can be many, come in pages, in the order of lists. The plus
 * signs keep SQLite from taking the index of that order in place of the one of the value that is
 * looked up. */
#define PAGE(n, m, k)                                 \
    " AND (+r.created_us, r.id) > ($" #n ", $" #m ")" \
    " ORDER BY +r.created_us, r.id LIMIT $" #k

#define RESOURCES "SELECT " COLUMNS " FROM provider_resource AS r WHERE r.tenant_no = $1"

/* A list in the order of a time, or of a text that differs from one resource to the next. What
 * stands in front of the window is skipped in the index alone. */
#define AFTER_TIME(by, op, down)                                      \
    RESOURCES " AND r.type = $2 AND (r." by ", r.id) " op " ($3, $4)" \
              " ORDER BY r." by down ", r.id" down " LIMIT $5"
#define FROM_TIME(by, op, down)                                                           \
    RESOURCES " AND r.type = $2 AND (r." by ", r.id) " op " (SELECT f." by                \
              ", f.id FROM provider_resource AS f WHERE f.tenant_no = $1 AND f.type = $2" \
              " ORDER BY f." by down ", f.id" down " LIMIT 1 OFFSET $4)"                  \
              " ORDER BY r." by down ", r.id" down " LIMIT $3"
/* The users that are active, or, where `which` is "NOT ", those that are not. */
#define AFTER_ACTIVE(which, op, down)                                              \
    RESOURCES " AND r.type = 1 AND " which "r.active AND (r.created_us, r.id) " op \
              " ($2, $3) ORDER BY r.created_us" down ", r.id" down " LIMIT $4"
#define FROM_ACTIVE(which, op, down)                                               \
    RESOURCES " AND r.type = 1 AND " which "r.active AND (r.created_us, r.id) " op \
              " (SELECT f.created_us, f.id FROM provider_resource AS f"            \
              "   WHERE f.tenant_no = $1 AND f.type = 1 AND " which "f.active"     \
              "   ORDER BY f.created_us" down ", f.id" down " LIMIT 1 OFFSET $3)"  \
              " ORDER BY r.created_us" down ", r.id" down " LIMIT $2"
#define AFTER_TEXT(type, by, op, down) \
    RESOURCES " AND " type " = $2 AND " by " " op " $3 ORDER BY " by down " LIMIT $4"
#define FROM_TEXT(type, by, down) \
    RESOURCES " AND " type " = $2 ORDER BY " by down " LIMIT $3 OFFSET $4"
#define FROM_UNIQUE(op, down)                                                        \
    RESOURCES " AND r.type = $2 AND r.unique_key " op " (SELECT f.unique_key"        \
              "  FROM provider_resource AS f WHERE f.tenant_no = $1 AND f.type = $2" \
              "  ORDER BY f.unique_key" down " LIMIT 1 OFFSET $4)"                   \
              " ORDER BY r.unique_key" down " LIMIT $3"

/* Users and groups together in order of creation. */
#define ROOT(behind, limit)                                         \
    "SELECT * FROM (" RESOURCES " AND r.type = 1" behind            \
    "  ORDER BY r.created_us, r.id LIMIT " limit ") AS u"           \
    " UNION ALL SELECT * FROM (" RESOURCES " AND r.type = 2" behind \
    "  ORDER BY r.created_us, r.id LIMIT " limit ") AS g"

const struct db_query provider_queries[PROVIDER_STATEMENT_COUNT] = {
    [PROVIDER_TENANT_ADD] = {"provider_tenant_add",
                             "INSERT INTO provider_tenant (no, name, kind, created_us, template)"
                             " SELECT coalesce(max(no), 0) + 1, $1, $2, $3, $4"
                             "  FROM provider_tenant"},
    [PROVIDER_TENANT_LOAD] = {"provider_tenant_load",
                              "SELECT no, name, kind, created_us, settings, template, revision"
                              "  FROM provider_tenant WHERE name = $1"},
    [PROVIDER_TENANT_LIST] = {"provider_tenant_list",
                              "SELECT t.no, t.name, t.kind, t.created_us, t.settings, t.template,"
                              " t.revision, (SELECT count(*) FROM provider_resource AS r"
                              "   WHERE r.tenant_no = t.no AND r.type = 1),"
                              " (SELECT count(*) FROM provider_resource AS r"
                              "   WHERE r.tenant_no = t.no AND r.type = 2)"
                              "  FROM provider_tenant AS t ORDER BY t.name"},
    [PROVIDER_TENANT_REMOVE] = {"provider_tenant_remove",
                                "DELETE FROM provider_tenant WHERE no = $1"},
    [PROVIDER_TENANT_CLEAR_MEMBERS] = {"provider_tenant_clear_members",
                                       "DELETE FROM provider_member WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_EMAILS] = {"provider_tenant_clear_emails",
                                      "DELETE FROM provider_email WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_RESOURCES] = {"provider_tenant_clear_resources",
                                         "DELETE FROM provider_resource WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_COUNTS] = {"provider_tenant_clear_counts",
                                      "DELETE FROM provider_count WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_KEYS] = {"provider_tenant_clear_keys",
                                    "DELETE FROM provider_key WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_AUTOMATION] = {"provider_tenant_clear_automation",
                                          "DELETE FROM provider_automation_user"
                                          " WHERE tenant_no = $1"},
    [PROVIDER_TENANT_SET] = {"provider_tenant_set",
                             "UPDATE provider_tenant SET settings = $3, revision = revision + 1"
                             " WHERE no = $1 AND revision = $2"},
    [PROVIDER_KEY_ADD] = {"provider_key_add",
                          "INSERT INTO provider_key (id, tenant_no, hash, description, created_us,"
                          " user_id, owner_id) VALUES ($1, $2, $3, $4, $5, $6, $7)"},
    [PROVIDER_KEY_LIST] = {"provider_key_list",
                           "SELECT k.id, k.description, k.created_us, k.used_us, k.user_id,"
                           " r.doc, a.activated_us, k.owner_id, o.doc"
                           "  FROM provider_key AS k"
                           "  LEFT JOIN provider_automation_user AS a"
                           "    ON a.tenant_no = k.tenant_no AND a.user_id = k.user_id"
                           "  LEFT JOIN provider_resource AS r"
                           "    ON r.tenant_no = a.tenant_no AND r.id = a.user_id"
                           "  LEFT JOIN provider_resource AS o"
                           "    ON o.tenant_no = k.tenant_no AND o.id = k.owner_id"
                           " WHERE k.tenant_no = $1 ORDER BY k.created_us, k.id"},
    [PROVIDER_KEY_REMOVE] = {"provider_key_remove",
                             "DELETE FROM provider_key WHERE tenant_no = $1 AND id = $2"},
    [PROVIDER_KEY_FIND] = {"provider_key_find",
                           "SELECT k.hash, t.no, t.name, t.kind, k.used_us, t.settings,"
                           " t.template, t.revision, k.user_id, r.doc, a.activated_us,"
                           " k.created_us, k.owner_id, o.doc"
                           "  FROM provider_key AS k"
                           "  JOIN provider_tenant AS t ON t.no = k.tenant_no"
                           "  LEFT JOIN provider_automation_user AS a"
                           "    ON a.tenant_no = k.tenant_no AND a.user_id = k.user_id"
                           "  LEFT JOIN provider_resource AS r"
                           "    ON r.tenant_no = a.tenant_no AND r.id = a.user_id"
                           "  LEFT JOIN provider_resource AS o"
                           "    ON o.tenant_no = k.tenant_no AND o.id = k.owner_id"
                           " WHERE k.id = $1"},
    [PROVIDER_KEY_USED] = {"provider_key_used",
                           "UPDATE provider_key SET used_us = $2 WHERE id = $1"},
    [PROVIDER_AUTOMATION_ADD] = {"provider_automation_add",
                                 "INSERT INTO provider_automation_user (tenant_no, user_id,"
                                 " created_us) VALUES ($1, $2, $3)"},
    [PROVIDER_AUTOMATION_LIST] = {"provider_automation_list",
                                  "SELECT a.user_id, r.doc, a.created_us, a.activated_us,"
                                  " (SELECT count(*) FROM provider_key AS k"
                                  "   WHERE k.tenant_no = a.tenant_no AND k.user_id = a.user_id)"
                                  "  FROM provider_automation_user AS a"
                                  "  JOIN provider_resource AS r"
                                  "    ON r.tenant_no = a.tenant_no AND r.id = a.user_id"
                                  " WHERE a.tenant_no = $1 ORDER BY a.created_us, a.user_id"},
    [PROVIDER_AUTOMATION_FIND] = {"provider_automation_find",
                                  "SELECT a.user_id, r.doc, a.created_us, a.activated_us, 0"
                                  "  FROM provider_resource AS r"
                                  "  JOIN provider_automation_user AS a"
                                  "    ON a.tenant_no = r.tenant_no AND a.user_id = r.id"
                                  " WHERE r.tenant_no = $1 AND r.type = 1 AND r.unique_key = $2"},
    [PROVIDER_AUTOMATION_ACTIVATE] = {"provider_automation_activate",
                                      "UPDATE provider_automation_user"
                                      "   SET activated_us = coalesce(activated_us, $3)"
                                      " WHERE tenant_no = $1 AND user_id = $2"},
    [PROVIDER_AUTOMATION_REMOVE] = {"provider_automation_remove",
                                    "DELETE FROM provider_automation_user"
                                    " WHERE tenant_no = $1 AND user_id = $2"},
    [PROVIDER_NOTICE_ADD] = {"provider_notice_add",
                             "INSERT INTO provider_notice (tenant_no, at_us, id, method, target,"
                             " attribute, reason, status, more, event_id)"
                             " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"},
    [PROVIDER_NOTICE_FORGET] = {"provider_notice_forget",
                                "DELETE FROM provider_notice WHERE tenant_no = $1 AND at_us < $2"},
    [PROVIDER_NOTICE_LIST] = {"provider_notice_list",
                              "SELECT at_us, method, target, attribute, reason, status, more"
                              "  FROM provider_notice WHERE tenant_no = $1"
                              " ORDER BY at_us DESC, id DESC LIMIT $2"},
    /* Those of an hour, bounded by what is recorded in a minute. */
    [PROVIDER_NOTICE_OF_EVENT] = {"provider_notice_of_event",
                                  "SELECT at_us, method, target, attribute, reason, status, more"
                                  "  FROM provider_notice WHERE tenant_no = $1 AND event_id = $2"
                                  " ORDER BY at_us, id LIMIT 10000"},
    [PROVIDER_TENANT_CLEAR_NOTICES] = {"provider_tenant_clear_notices",
                                       "DELETE FROM provider_notice WHERE tenant_no = $1"},
    [PROVIDER_CHANGE_NEXT] = {"provider_change_next",
                              "INSERT INTO provider_change_head (tenant_no, seq) VALUES ($1, $2)"
                              " ON CONFLICT (tenant_no) DO UPDATE"
                              " SET seq = provider_change_head.seq + excluded.seq RETURNING seq"},
    [PROVIDER_CHANGE_ADD] = {"provider_change_add",
                             "INSERT INTO provider_change_log (tenant_no, last_seq, first_seq,"
                             " at_us, records) VALUES ($1, $2, $3, $4, $5)"},
    [PROVIDER_CHANGE_PAGE] = {"provider_change_page",
                              "SELECT first_seq, last_seq, records FROM provider_change_log"
                              " WHERE tenant_no = $1 AND last_seq > $2 ORDER BY last_seq LIMIT $3"},
    [PROVIDER_CHANGE_HEAD] = {"provider_change_head_load",
                              "SELECT seq FROM provider_change_head WHERE tenant_no = $1"},
    [PROVIDER_CHANGE_GAP] = {"provider_change_gap",
                             "INSERT INTO provider_change_head (tenant_no, seq)"
                             " VALUES ($1, 1) ON CONFLICT (tenant_no)"
                             " DO UPDATE SET seq = provider_change_head.seq + 1"},
    /* Looks at the oldest only, so that it costs the same however long the feed is. */
    [PROVIDER_CHANGE_PRUNE] =
        {"provider_change_prune",
         "DELETE FROM provider_change_log WHERE tenant_no = $1 AND last_seq IN"
         " (SELECT x.last_seq FROM (SELECT last_seq, at_us FROM provider_change_log"
         "                           WHERE tenant_no = $1 ORDER BY last_seq LIMIT $4) AS x"
         "   WHERE x.last_seq <= $5 OR (x.at_us < $2 AND x.last_seq <= $3))"
         " RETURNING last_seq - first_seq + 1"},
    [PROVIDER_CHANGE_PRUNABLE] =
        {"provider_change_prunable",
         "SELECT CAST(coalesce(sum(last_seq - first_seq + 1), 0) AS BIGINT)"
         "  FROM provider_change_log"
         " WHERE tenant_no = $1 AND (last_seq <= $4 OR (at_us < $2 AND last_seq <= $3))"},
    [PROVIDER_CHANGE_OLD] = {"provider_change_old",
                             "SELECT at_us, last_seq FROM provider_change_log WHERE tenant_no = $1"
                             " ORDER BY last_seq LIMIT 1"},
    [PROVIDER_CHANGE_FEEDS] =
        {"provider_change_feeds",
         "SELECT t.no, t.kind, t.settings, t.template, h.seq, w.position"
         "  FROM provider_change_head AS h"
         "  JOIN provider_tenant AS t ON t.no = h.tenant_no"
         "  LEFT JOIN provider_webhook AS w ON w.tenant_no = t.no AND w.events <> 2"
         " WHERE t.no > $1 ORDER BY t.no LIMIT $2"},
    [PROVIDER_WEBHOOK_SET] =
        {"provider_webhook_set",
         "INSERT INTO provider_webhook (tenant_no, url, secret, events, paused, position, batch,"
         " attempts, next_us, claim, claim_until_us, delivered_us, failed_us, error, lost)"
         " VALUES ($1, $2, $3, $4, FALSE, $5, $6, 0, 0, '', 0, 0, 0, '', 0)"
         " ON CONFLICT (tenant_no) DO UPDATE SET url = excluded.url, events = excluded.events,"
         " position = CASE WHEN provider_webhook.events = 2 THEN excluded.position"
         "                 ELSE provider_webhook.position END,"
         " batch = excluded.batch, attempts = 0, next_us = 0, claim = '', claim_until_us = 0,"
         " error = ''"},
    [PROVIDER_WEBHOOK_SECRET] = {"provider_webhook_secret",
                                 "UPDATE provider_webhook SET secret = $2, claim = '',"
                                 " claim_until_us = 0, next_us = 0 WHERE tenant_no = $1"},
    [PROVIDER_WEBHOOK_LOAD] = {"provider_webhook_load",
                               "SELECT url, secret, events, paused, position, attempts, next_us,"
                               " claim_until_us, delivered_us, failed_us, error, lost"
                               "  FROM provider_webhook WHERE tenant_no = $1"},
    [PROVIDER_WEBHOOK_PAUSE] = {"provider_webhook_pause",
                                "UPDATE provider_webhook SET paused = TRUE, claim = '',"
                                " claim_until_us = 0 WHERE tenant_no = $1"},
    [PROVIDER_WEBHOOK_RESUME] = {"provider_webhook_resume",
                                 "UPDATE provider_webhook SET paused = FALSE, attempts = 0,"
                                 " next_us = 0 WHERE tenant_no = $1"},
    /* Whoever is sending may not say afterwards how far that was. */
    [PROVIDER_WEBHOOK_MOVE] = {"provider_webhook_move",
                               "UPDATE provider_webhook SET position = $2, batch = $3, claim = '',"
                               " claim_until_us = 0 WHERE tenant_no = $1"},
    [PROVIDER_WEBHOOK_ANY] = {"provider_webhook_any", "SELECT 1 FROM provider_webhook"
                                                      " WHERE NOT paused AND events <> 2 LIMIT 1"},
    [PROVIDER_WEBHOOK_DUE] = {"provider_webhook_due",
                              "SELECT w.tenant_no FROM provider_webhook AS w"
                              "  JOIN provider_change_head AS h ON h.tenant_no = w.tenant_no"
                              " WHERE NOT w.paused AND w.events <> 2 AND w.next_us <= $1"
                              "   AND w.claim_until_us <= $1 AND (w.position <> h.seq OR EXISTS"
                              "       (SELECT 1 FROM provider_aside AS a"
                              "         WHERE a.tenant_no = w.tenant_no AND a.next_us <= $1))"
                              " ORDER BY w.delivered_us, w.tenant_no LIMIT $2"},
    [PROVIDER_WEBHOOK_CLAIM] =
        {"provider_webhook_claim",
         "UPDATE provider_webhook SET claim = $2, claim_until_us = $3"
         " WHERE tenant_no = $1 AND NOT paused AND next_us <= $4 AND claim_until_us <= $4"
         " RETURNING url, secret, position, batch, attempts,"
         " (SELECT t.name FROM provider_tenant AS t WHERE t.no = provider_webhook.tenant_no),"
         " alone, aside_row,"
         " (SELECT count(*) FROM provider_aside AS a"
         "   WHERE a.tenant_no = provider_webhook.tenant_no)"},
    [PROVIDER_WEBHOOK_CLAIMED] = {"provider_webhook_claimed",
                                  "SELECT tenant_no, claim FROM provider_webhook"
                                  " WHERE claim_until_us > $1 ORDER BY tenant_no"},
    [PROVIDER_WEBHOOK_TAKEN] =
        {"provider_webhook_taken",
         "UPDATE provider_webhook SET position = $3, batch = $4, attempts = 0, next_us = 0,"
         " alone = 0, aside_row = 0, delivered_us = $5, error = '', lost = lost + $6, claim = $7, claim_until_us = $8"
         " WHERE tenant_no = $1 AND claim = $2"},
    [PROVIDER_WEBHOOK_FAILED] =
        {"provider_webhook_failed",
         "UPDATE provider_webhook SET batch = $3, attempts = attempts + 1, next_us = $4,"
         " failed_us = $5, error = $6, alone = $7, claim = '', claim_until_us = 0"
         " WHERE tenant_no = $1 AND claim = $2"},
    [PROVIDER_WEBHOOK_RELEASE] = {"provider_webhook_release",
                                  "UPDATE provider_webhook SET claim = '', claim_until_us = 0"
                                  " WHERE tenant_no = $1 AND claim = $2"},
    /* What was read is set aside as a whole, or for users that are. */
    [PROVIDER_WEBHOOK_PASSED] = {"provider_webhook_passed",
                                 "UPDATE provider_webhook SET position = $3, claim_until_us = $4"
                                 " WHERE tenant_no = $1 AND claim = $2"},
    [PROVIDER_WEBHOOK_ASIDE] =
        {"provider_webhook_aside",
         "UPDATE provider_webhook SET position = $3, batch = $4, attempts = 0, next_us = 0,"
         " alone = 0, aside_row = aside_row + 1, failed_us = $5, error = $6, claim = '',"
         " claim_until_us = 0 WHERE tenant_no = $1 AND claim = $2"},
    [PROVIDER_ASIDE_IDS] = {"provider_aside_ids",
                            "SELECT resource_id FROM provider_aside WHERE tenant_no = $1"},
    [PROVIDER_ASIDE_COUNT] = {"provider_aside_count",
                              "SELECT count(*) FROM provider_aside_change WHERE tenant_no = $1"},
    [PROVIDER_ASIDE_ADD] = {"provider_aside_add",
                            "INSERT INTO provider_aside (tenant_no, resource_id, since_us,"
                            " attempts, next_us, error) VALUES ($1, $2, $3, 1, $4, $5)"
                            " ON CONFLICT DO NOTHING"},
    [PROVIDER_ASIDE_CHANGE_ADD] =
        {"provider_aside_change_add",
         "INSERT INTO provider_aside_change (tenant_no, resource_id, seq, record)"
         " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"},
    [PROVIDER_ASIDE_DUE] = {"provider_aside_find_due",
                            "SELECT resource_id, attempts FROM provider_aside"
                            " WHERE tenant_no = $1 AND next_us <= $2"
                            " ORDER BY next_us, resource_id LIMIT 1"},
    [PROVIDER_ASIDE_CHANGES] = {"provider_aside_changes",
                                "SELECT seq, record FROM provider_aside_change"
                                " WHERE tenant_no = $1 AND resource_id = $2"
                                " ORDER BY seq LIMIT $3"},
    [PROVIDER_ASIDE_TAKEN] = {"provider_aside_taken",
                              "DELETE FROM provider_aside_change"
                              " WHERE tenant_no = $1 AND resource_id = $2 AND seq <= $3"},
    [PROVIDER_ASIDE_ON] = {"provider_aside_on",
                           "UPDATE provider_aside SET attempts = 0, next_us = 0"
                           " WHERE tenant_no = $1 AND resource_id = $2"},
    [PROVIDER_ASIDE_OVER] = {"provider_aside_over",
                             "DELETE FROM provider_aside WHERE tenant_no = $1"
                             " AND resource_id = $2 AND NOT EXISTS"
                             " (SELECT 1 FROM provider_aside_change AS x"
                             "   WHERE x.tenant_no = $1 AND x.resource_id = $2)"},
    [PROVIDER_ASIDE_FAILED] = {"provider_aside_failed",
                               "UPDATE provider_aside SET attempts = attempts + 1, next_us = $3,"
                               " error = $4 WHERE tenant_no = $1 AND resource_id = $2"},
    /* Those that were set aside when everything may have been refused. */
    [PROVIDER_ASIDE_AGAIN] = {"provider_aside_again", "UPDATE provider_aside SET next_us = 0"
                                                      " WHERE tenant_no = $1 AND attempts = 1"},
    [PROVIDER_ASIDE_LIST] =
        {"provider_aside_list",
         "SELECT a.resource_id, a.since_us, a.attempts, a.next_us, a.error,"
         " (SELECT r.doc FROM provider_resource AS r"
         "   WHERE r.tenant_no = a.tenant_no AND r.id = a.resource_id),"
         " (SELECT count(*) FROM provider_aside_change AS x"
         "   WHERE x.tenant_no = a.tenant_no AND x.resource_id = a.resource_id),"
         " (SELECT min(x.seq) FROM provider_aside_change AS x"
         "   WHERE x.tenant_no = a.tenant_no AND x.resource_id = a.resource_id)"
         "  FROM provider_aside AS a WHERE a.tenant_no = $1"
         " ORDER BY a.since_us, a.resource_id"},
    [PROVIDER_ASIDE_RETRY] = {"provider_aside_retry",
                              "UPDATE provider_aside SET next_us = 0 WHERE tenant_no = $1"
                              " AND ($2 = '' OR resource_id = $2)"},
    [PROVIDER_ASIDE_DROP] = {"provider_aside_drop",
                             "DELETE FROM provider_aside WHERE tenant_no = $1"
                             " AND ($2 = '' OR resource_id = $2)"},
    [PROVIDER_ASIDE_DROP_CHANGES] = {"provider_aside_drop_changes",
                                     "DELETE FROM provider_aside_change WHERE tenant_no = $1"
                                     " AND ($2 = '' OR resource_id = $2)"},
    [PROVIDER_TENANT_CLEAR_ASIDE] = {"provider_tenant_clear_aside",
                                     "DELETE FROM provider_aside WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_ASIDE_CHANGES] = {"provider_tenant_clear_aside_changes",
                                             "DELETE FROM provider_aside_change"
                                             " WHERE tenant_no = $1"},
    [PROVIDER_WEBHOOK_PENDING] = {"provider_webhook_pending",
                                  "SELECT records, first_seq FROM provider_change_log"
                                  " WHERE tenant_no = $1 AND last_seq > $2"
                                  " ORDER BY last_seq LIMIT 1"},
    [PROVIDER_TENANT_CLEAR_WEBHOOK] = {"provider_tenant_clear_webhook",
                                       "DELETE FROM provider_webhook WHERE tenant_no = $1"},
    [PROVIDER_GROUPS_LEFT] = {"provider_groups_left",
                              "SELECT r.id, r.version FROM provider_member AS m"
                              "  JOIN provider_resource AS r"
                              "    ON r.tenant_no = m.tenant_no AND r.id = m.group_id"
                              " WHERE m.tenant_no = $1 AND m.member_id = $2 ORDER BY m.group_id"},
    [PROVIDER_TENANT_CLEAR_CHANGES] = {"provider_tenant_clear_changes",
                                       "DELETE FROM provider_change_log WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_CHANGE_HEAD] = {"provider_tenant_clear_change_head",
                                           "DELETE FROM provider_change_head"
                                           " WHERE tenant_no = $1"},
    [PROVIDER_MARK_SET] = {"provider_mark_set",
                           "INSERT INTO provider_mark (tenant_no, user_id, mark, until_us)"
                           " VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_no, user_id, mark)"
                           " DO UPDATE SET until_us = excluded.until_us"},
    [PROVIDER_MARK_CLEAR] = {"provider_mark_clear",
                             "DELETE FROM provider_mark"
                             " WHERE tenant_no = $1 AND user_id = $2 AND mark = $3"},
    [PROVIDER_MARK_FIND] = {"provider_mark_find",
                            "SELECT until_us FROM provider_mark"
                            " WHERE tenant_no = $1 AND user_id = $2 AND mark = $3"},
    [PROVIDER_MARK_FORGET] = {"provider_mark_forget",
                              "DELETE FROM provider_mark WHERE tenant_no = $1 AND user_id = $2"},
    [PROVIDER_UNIQUE_ADD] = {"provider_unique_add",
                             "INSERT INTO provider_unique (tenant_no, type, name, value_key,"
                             " resource_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"},
    [PROVIDER_UNIQUE_FIND] = {"provider_unique_find",
                              "SELECT resource_id FROM provider_unique"
                              " WHERE tenant_no = $1 AND type = $2 AND name = $3"
                              "   AND value_key = $4"},
    [PROVIDER_UNIQUE_REMOVE] = {"provider_unique_remove",
                                "DELETE FROM provider_unique"
                                " WHERE tenant_no = $1 AND resource_id = $2 AND name = $3"},
    [PROVIDER_UNIQUE_FORGET] = {"provider_unique_forget",
                                "DELETE FROM provider_unique"
                                " WHERE tenant_no = $1 AND resource_id = $2"},
    [PROVIDER_TENANT_CLEAR_UNIQUE] = {"provider_tenant_clear_unique",
                                      "DELETE FROM provider_unique WHERE tenant_no = $1"},
    [PROVIDER_REKEY] = {"provider_rekey", "UPDATE provider_resource SET unique_key = $3"
                                          " WHERE tenant_no = $1 AND id = $2"},
    [PROVIDER_GLOBAL_ADD] = {"provider_global_add",
                             "INSERT INTO provider_global (name, value_key, tenant_no, user_id)"
                             " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"},
    [PROVIDER_GLOBAL_FIND] = {"provider_global_find",
                              "SELECT tenant_no, user_id FROM provider_global"
                              " WHERE name = $1 AND value_key = $2"},
    [PROVIDER_GLOBAL_FORGET] = {"provider_global_forget", "DELETE FROM provider_global"
                                                          " WHERE tenant_no = $1 AND user_id = $2"},
    [PROVIDER_GLOBAL_CLEAR] = {"provider_global_clear",
                               "DELETE FROM provider_global WHERE tenant_no = $1"},
    [PROVIDER_TENANT_CLEAR_MARKS] = {"provider_tenant_clear_marks",
                                     "DELETE FROM provider_mark WHERE tenant_no = $1"},
    [PROVIDER_ADDRESS_SAVE] = {"provider_address_save",
                               "INSERT INTO provider_address (no, url) VALUES (1, $1)"
                               " ON CONFLICT (no) DO UPDATE SET url = excluded.url"},
    [PROVIDER_ADDRESS_LOAD] = {"provider_address_load",
                               "SELECT url FROM provider_address WHERE no = 1"},

    [PROVIDER_INSERT] = {"provider_insert",
                         "INSERT INTO provider_resource (tenant_no, id, type, unique_key,"
                         " display_key, external_id, manager, member_count, doc,"
                         " display_name, created_us, modified_us, active, version)"
                         " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, 1)"},
    [PROVIDER_LOAD] = {"provider_load", "SELECT " COLUMNS " FROM provider_resource AS r"
                                        " WHERE r.tenant_no = $1 AND r.id = $2"},
    [PROVIDER_UPDATE] = {"provider_update",
                         "UPDATE provider_resource"
                         "   SET unique_key = $3, display_key = $4, external_id = $5,"
                         "       manager = $6, member_count = $7, doc = $8,"
                         "       display_name = $9, version = version + 1, modified_us = $10,"
                         "       active = $12"
                         " WHERE tenant_no = $1 AND id = $2 AND version = $11"},
    /* Columns that are set are written in their indexes too, changed or not. */
    [PROVIDER_UPDATE_DOC] = {"provider_update_doc",
                             "UPDATE provider_resource"
                             "   SET member_count = $3, doc = $4,"
                             "       version = version + 1, modified_us = $5"
                             " WHERE tenant_no = $1 AND id = $2 AND version = $6"},
    [PROVIDER_DELETE] = {"provider_delete",
                         "DELETE FROM provider_resource WHERE tenant_no = $1 AND id = $2"},
    [PROVIDER_TOUCH] = {"provider_touch", "UPDATE provider_resource"
                                          "   SET version = version + 1, modified_us = $3,"
                                          "       member_count = member_count + $4"
                                          " WHERE tenant_no = $1 AND id = $2"},
    [PROVIDER_COUNT] = {"provider_count", "SELECT resources FROM provider_count"
                                          " WHERE tenant_no = $1 AND type = $2"},
    [PROVIDER_COUNT_CHANGE] = {"provider_count_change",
                               "INSERT INTO provider_count (tenant_no, type, resources)"
                               " VALUES ($1, $2, $3) ON CONFLICT (tenant_no, type) DO UPDATE"
                               " SET resources = provider_count.resources + excluded.resources"},
    [PROVIDER_DISPLAY_NAME] = {"provider_display_name",
                               "SELECT display_name FROM provider_resource"
                               " WHERE tenant_no = $1 AND id = $2 AND type = 1"},

    [PROVIDER_EMAIL_ADD] = {"provider_email_add",
                            "INSERT INTO provider_email (tenant_no, user_id, value_key)"
                            " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"},
    [PROVIDER_EMAIL_REMOVE] = {"provider_email_remove",
                               "DELETE FROM provider_email"
                               " WHERE tenant_no = $1 AND user_id = $2 AND value_key = $3"},

    [PROVIDER_PAGE] = {"provider_page", AFTER_TIME("created_us", ">", "")},
    [PROVIDER_PAGE_OFFSET] = {"provider_page_offset", FROM_TIME("created_us", ">=", "")},
    [PROVIDER_PAGE_DOWN] = {"provider_page_down", AFTER_TIME("created_us", "<", " DESC")},
    [PROVIDER_PAGE_DOWN_OFFSET] = {"provider_page_down_offset",
                                   FROM_TIME("created_us", "<=", " DESC")},
    [PROVIDER_PAGE_ACTIVE] = {"provider_page_active", AFTER_ACTIVE("", ">", "")},
    [PROVIDER_PAGE_ACTIVE_OFFSET] = {"provider_page_active_offset", FROM_ACTIVE("", ">=", "")},
    [PROVIDER_PAGE_ACTIVE_DOWN] = {"provider_page_active_down", AFTER_ACTIVE("", "<", " DESC")},
    [PROVIDER_PAGE_ACTIVE_DOWN_OFFSET] = {"provider_page_active_down_offset",
                                          FROM_ACTIVE("", "<=", " DESC")},
    [PROVIDER_PAGE_INACTIVE] = {"provider_page_inactive", AFTER_ACTIVE("NOT ", ">", "")},
    [PROVIDER_PAGE_INACTIVE_OFFSET] = {"provider_page_inactive_offset",
                                       FROM_ACTIVE("NOT ", ">=", "")},
    [PROVIDER_PAGE_INACTIVE_DOWN] = {"provider_page_inactive_down",
                                     AFTER_ACTIVE("NOT ", "<", " DESC")},
    [PROVIDER_PAGE_INACTIVE_DOWN_OFFSET] = {"provider_page_inactive_down_offset",
                                            FROM_ACTIVE("NOT ", "<=", " DESC")},
    [PROVIDER_ROOT] = {"provider_root", ROOT(" AND (r.created_us, r.id) > ($2, $3)",
                                             "$4") " ORDER BY 5, 1 LIMIT $4"},
    [PROVIDER_ROOT_OFFSET] = {"provider_root_offset",
                              ROOT("",
                                   "CAST($2 AS BIGINT) + $3") " ORDER BY 5, 1 LIMIT $2 OFFSET $3"},
    /* The plus sign keeps SQLite from another index, after which it would sort. */
    [PROVIDER_PAGE_ID] = {"provider_page_id", AFTER_TEXT("+r.type", "r.id", ">", "")},
    [PROVIDER_PAGE_ID_OFFSET] = {"provider_page_id_offset", FROM_TEXT("+r.type", "r.id", "")},
    [PROVIDER_PAGE_ID_DOWN] = {"provider_page_id_down",
                               AFTER_TEXT("+r.type", "r.id", "<", " DESC")},
    [PROVIDER_PAGE_ID_DOWN_OFFSET] = {"provider_page_id_down_offset",
                                      FROM_TEXT("+r.type", "r.id", " DESC")},
    [PROVIDER_PAGE_UNIQUE] = {"provider_page_unique",
                              AFTER_TEXT("r.type", "r.unique_key", ">", "")},
    [PROVIDER_PAGE_UNIQUE_OFFSET] = {"provider_page_unique_offset", FROM_UNIQUE(">=", "")},
    [PROVIDER_PAGE_UNIQUE_DOWN] = {"provider_page_unique_down",
                                   AFTER_TEXT("r.type", "r.unique_key", "<", " DESC")},
    [PROVIDER_PAGE_UNIQUE_DOWN_OFFSET] = {"provider_page_unique_down_offset",
                                          FROM_UNIQUE("<=", " DESC")},
    [PROVIDER_PAGE_MODIFIED] = {"provider_page_modified", AFTER_TIME("modified_us", ">", "")},
    [PROVIDER_PAGE_MODIFIED_OFFSET] = {"provider_page_modified_offset",
                                       FROM_TIME("modified_us", ">=", "")},
    [PROVIDER_PAGE_MODIFIED_DOWN] = {"provider_page_modified_down",
                                     AFTER_TIME("modified_us", "<", " DESC")},
    [PROVIDER_PAGE_MODIFIED_DOWN_OFFSET] = {"provider_page_modified_down_offset",
                                            FROM_TIME("modified_us", "<=", " DESC")},

    [PROVIDER_BY_ID] = {"provider_by_id", "SELECT " COLUMNS " FROM provider_resource AS r"
                                          " WHERE r.tenant_no = $1 AND r.type = $2"
                                          " AND r.id = $3"},
    [PROVIDER_BY_UNIQUE] = {"provider_by_unique", "SELECT " COLUMNS " FROM provider_resource AS r"
                                                  " WHERE r.tenant_no = $1 AND r.type = $2"
                                                  " AND r.unique_key = $3"},
    [PROVIDER_BY_EXTERNAL] = {"provider_by_external",
                              "SELECT " COLUMNS " FROM provider_resource AS r"
                              " WHERE r.tenant_no = $1 AND +r.type = $2"
                              " AND r.external_id = $3" PAGE(4, 5, 6)},
    [PROVIDER_BY_DISPLAY] = {"provider_by_display", "SELECT " COLUMNS " FROM provider_resource AS r"
                                                    " WHERE r.tenant_no = $1 AND +r.type = $2"
                                                    " AND r.display_key = $3" PAGE(4, 5, 6)},
    [PROVIDER_BY_EMAIL] = {"provider_by_email",
                           "SELECT " COLUMNS " FROM provider_email AS e"
                           " JOIN provider_resource AS r"
                           "   ON r.tenant_no = e.tenant_no AND r.id = e.user_id"
                           " WHERE e.tenant_no = $1 AND +r.type = $2"
                           " AND e.value_key = $3" PAGE(4, 5, 6)},
    [PROVIDER_BY_MEMBER] = {"provider_by_member",
                            "SELECT " COLUMNS " FROM provider_member AS m"
                            " JOIN provider_resource AS r"
                            "   ON r.tenant_no = m.tenant_no AND r.id = m.group_id"
                            " WHERE m.tenant_no = $1 AND +r.type = $2"
                            " AND m.member_id = $3" PAGE(4, 5, 6)},
    [PROVIDER_BY_GROUP] = {"provider_by_group",
                           "SELECT " COLUMNS " FROM provider_member AS m"
                           " JOIN provider_resource AS r"
                           "   ON r.tenant_no = m.tenant_no AND r.id = m.member_id"
                           " WHERE m.tenant_no = $1 AND +r.type = $2 AND m.group_id = $3"
                           " AND m.member_id > $4 ORDER BY m.member_id LIMIT $5"},
    [PROVIDER_BY_MODIFIED] = {"provider_by_modified",
                              "SELECT " COLUMNS " FROM provider_resource AS r"
                              " WHERE r.tenant_no = $1 AND r.type = $2"
                              " AND (r.modified_us, r.id) > ($3, $4)"
                              " ORDER BY r.modified_us, r.id LIMIT $5"},

    [PROVIDER_MEMBER_ADD] = {"provider_member_add",
                             "INSERT INTO provider_member (tenant_no, group_id, member_id)"
                             " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"},
    [PROVIDER_MEMBER_REMOVE] = {"provider_member_remove",
                                "DELETE FROM provider_member"
                                " WHERE tenant_no = $1 AND group_id = $2 AND member_id = $3"},
    [PROVIDER_MEMBER_CLEAR] = {"provider_member_clear", "DELETE FROM provider_member"
                                                        " WHERE tenant_no = $1 AND group_id = $2"},
    [PROVIDER_MEMBER_PAGE] = {"provider_member_page",
                              "SELECT r.id, r.type, r.display_name FROM provider_member AS m"
                              " JOIN provider_resource AS r"
                              "   ON r.tenant_no = m.tenant_no AND r.id = m.member_id"
                              " WHERE m.tenant_no = $1 AND m.group_id = $2 AND m.member_id > $3"
                              " ORDER BY m.member_id LIMIT $4"},
    [PROVIDER_MEMBER_ONE] = {"provider_member_one",
                             "SELECT r.id, r.type, r.display_name FROM provider_member AS m"
                             " JOIN provider_resource AS r"
                             "   ON r.tenant_no = m.tenant_no AND r.id = m.member_id"
                             " WHERE m.tenant_no = $1 AND m.group_id = $2 AND m.member_id = $3"},
    [PROVIDER_MEMBER_IDS] = {"provider_member_ids",
                             "SELECT member_id FROM provider_member"
                             " WHERE tenant_no = $1 AND group_id = $2 ORDER BY member_id"},
    [PROVIDER_MEMBER_LEAVE] = {"provider_member_leave", "DELETE FROM provider_member"
                                                        " WHERE tenant_no = $1 AND member_id = $2"},
    [PROVIDER_MEMBER_LEAVING] = {"provider_member_leaving",
                                 "UPDATE provider_resource"
                                 "   SET version = version + 1, modified_us = $3,"
                                 "       member_count = member_count - 1"
                                 " WHERE tenant_no = $1 AND id IN"
                                 " (SELECT group_id FROM provider_member"
                                 "   WHERE tenant_no = $1 AND member_id = $2)"},
    [PROVIDER_GROUPS_OF] = {"provider_groups_of",
                            "SELECT r.id, r.display_name FROM provider_member AS m"
                            " JOIN provider_resource AS r"
                            "   ON r.tenant_no = m.tenant_no AND r.id = m.group_id"
                            " WHERE m.tenant_no = $1 AND m.member_id = $2"
                            " ORDER BY m.group_id"},
    [PROVIDER_EXISTS] = {"provider_exists", "SELECT 1 FROM provider_resource"
                                            " WHERE tenant_no = $1 AND id = $2"},

    [PROVIDER_SECRET] = {"provider_secret", "SELECT value FROM provider_secret WHERE name = $1"},
    [PROVIDER_SECRET_ADD] = {"provider_secret_add", "INSERT INTO provider_secret (name, value)"
                                                    " VALUES ($1, $2) ON CONFLICT DO NOTHING"},
};
