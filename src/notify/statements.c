#include "notify/statements.h"

const struct db_query notify_queries[] = {
    [Q_EVENT] = {"notify_event", "INSERT INTO notify_event (job_no, id, kind, at_us, content)"
                                 " VALUES ($1, $2, $3, $4, $5)"
                                 " ON CONFLICT (job_no, id) DO NOTHING"},
    [Q_EVENT_KNOWN] = {"notify_event_known",
                       "SELECT 1 FROM notify_event WHERE job_no = $1 AND id = $2"},
    /* A batch that is open: not yet due and never tried. Whoever claims it changes the row first,
     * or waits for this. */
    [Q_JOIN] = {"notify_join", "UPDATE notify_message SET created_us = created_us"
                               " WHERE id = (SELECT id FROM notify_message"
                               "              WHERE job_no = $1 AND channel = 0 AND recipient = $2"
                               "                AND state = 0 AND attempts = 0 AND next_us > $3"
                               "                AND (SELECT count(*) FROM notify_message_event l"
                               "                      WHERE l.message_id = notify_message.id) < $4"
                               "              ORDER BY next_us, id LIMIT 1 /*skip-locked*/)"
                               "   AND attempts = 0 AND state = 0"
                               " RETURNING id"},
    [Q_MESSAGE] = {"notify_message",
                   "INSERT INTO notify_message (id, job_no, channel, recipient, created_us, state,"
                   " attempts, next_us, claim, claim_until_us, ended_us, error)"
                   " VALUES ($1, $2, $3, $4, $5, 0, 0, $6, '', 0, 0, '')"
                   " ON CONFLICT (id) DO NOTHING"},
    [Q_LINK] = {"notify_link", "INSERT INTO notify_message_event (message_id, event_id, job_no)"
                               " VALUES ($1, $2, $3)"
                               " ON CONFLICT (message_id, event_id) DO NOTHING"},
    [Q_MARK_LOAD] = {"notify_mark_load",
                     "SELECT value FROM notify_mark WHERE job_no = $1 AND name = $2"},
    [Q_MARK_SAVE] = {"notify_mark_save",
                     "INSERT INTO notify_mark (job_no, name, value) VALUES ($1, $2, $3)"
                     " ON CONFLICT (job_no, name) DO UPDATE SET value = excluded.value"},
    [Q_MARK_REMOVE] = {"notify_mark_remove",
                       "DELETE FROM notify_mark WHERE job_no = $1 AND name = $2"},
    /* Asked first: a claim takes the write lock, also when there is nothing to claim. */
    [Q_DUE] = {"notify_due", "SELECT 1 FROM notify_message"
                             " WHERE state = 0 AND channel = $1 AND next_us <= $2"
                             "   AND claim_until_us <= $2"
                             "   AND (CAST($3 AS BIGINT) = 0 OR job_no = $3) LIMIT 1"},
    [Q_CLAIM] =
        {"notify_claim",
         "UPDATE notify_message"
         "   SET claim = $1, claim_until_us = $2, attempts = attempts + 1"
         " WHERE id = (SELECT id FROM notify_message"
         "              WHERE state = 0 AND channel = $3 AND next_us <= $4"
         "                AND claim_until_us <= $4 AND (CAST($5 AS BIGINT) = 0 OR job_no = $5)"
         "              ORDER BY next_us, id LIMIT 1 /*skip-locked*/)"
         "   AND state = 0 AND claim_until_us <= $4"
         " RETURNING id, job_no, recipient, created_us, attempts"},
    [Q_PARTS] = {"notify_parts",
                 "SELECT e.id, e.kind, e.at_us, e.content"
                 "  FROM notify_message_event m"
                 "  JOIN notify_event e ON e.job_no = m.job_no AND e.id = m.event_id"
                 " WHERE m.message_id = $1"
                 " ORDER BY e.at_us, e.id LIMIT $2"},
    [Q_FINISH] = {"notify_finish",
                  "UPDATE notify_message SET state = $3, next_us = $4, ended_us = $5, error = $6,"
                  " claim = '', claim_until_us = 0"
                  " WHERE id = $1 AND claim = $2"},
    [Q_RETRY_ALL] =
        {"notify_retry_all",
         "UPDATE notify_message SET state = 0, next_us = $2, ended_us = 0"
         " WHERE state <> 1 AND claim_until_us <= $2 AND (CAST($1 AS BIGINT) = 0 OR job_no = $1)"},
    [Q_LIST] = {"notify_list",
                "SELECT e.id, m.id, e.kind, e.at_us, m.channel, m.recipient, m.state, m.attempts,"
                " m.next_us, m.ended_us, m.error"
                "  FROM notify_message m"
                "  JOIN notify_message_event l ON l.message_id = m.id"
                "  JOIN notify_event e ON e.job_no = l.job_no AND e.id = l.event_id"
                " WHERE m.job_no = $1"
                " ORDER BY m.created_us DESC, m.id, e.at_us DESC, e.id LIMIT $2"},
    [Q_BACKLOG] = {"notify_backlog",
                   "SELECT CAST(count(*) FILTER (WHERE state = 0) AS BIGINT),"
                   " CAST(count(*) FILTER (WHERE state = 2 AND ended_us > $2) AS BIGINT)"
                   "  FROM notify_message WHERE job_no = $1 AND state <> 1"},
    [Q_BACKLOG_ERROR] = {"notify_backlog_error", "SELECT error FROM notify_message"
                                                 " WHERE job_no = $1 AND state <> 1 AND error <> ''"
                                                 "   AND (state = 0 OR ended_us > $2)"
                                                 " ORDER BY created_us DESC, id LIMIT 1"},
    [Q_TIDY_LINKS] = {"notify_tidy_links",
                      "DELETE FROM notify_message_event WHERE message_id IN"
                      " (SELECT id FROM notify_message WHERE created_us < $1)"},
    [Q_TIDY_MESSAGES] = {"notify_tidy_messages",
                         "DELETE FROM notify_message WHERE created_us < $1"},
    [Q_TIDY_EVENTS] = {"notify_tidy_events", "DELETE FROM notify_event WHERE at_us < $1"},
    [Q_TIDY_UNSENT] = {"notify_tidy_unsent",
                       "UPDATE notify_message SET state = 2, ended_us = $2,"
                       " error = CASE WHEN error = '' THEN $3 ELSE error END"
                       " WHERE state = 0 AND created_us < $1 AND claim_until_us <= $2"},
    [Q_OPEN] = {"notify_open",
                "SELECT e.id, (SELECT count(*) FROM notify_message_event n"
                "               WHERE n.job_no = e.job_no AND n.event_id = e.id)"
                "  FROM notify_message m"
                "  JOIN notify_message_event l ON l.message_id = m.id"
                "  JOIN notify_event e ON e.job_no = l.job_no AND e.id = l.event_id"
                " WHERE m.job_no = $1 AND m.channel = 0 AND m.state = 0 AND m.attempts = 0"
                "   AND m.next_us > $2 AND e.kind = $3"
                " ORDER BY e.at_us DESC, e.id LIMIT 1"},
    /* As in Q_JOIN: who claims it waits, or was first. */
    [Q_OPEN_HOLD] = {"notify_open_hold", "UPDATE notify_message SET created_us = created_us"
                                         " WHERE state = 0 AND attempts = 0 AND id IN"
                                         " (SELECT message_id FROM notify_message_event"
                                         "   WHERE job_no = $1 AND event_id = $2)"},
    [Q_UPDATE] = {"notify_update",
                  "UPDATE notify_event SET content = $3 WHERE job_no = $1 AND id = $2"},
    [Q_FORGET_LINKS] = {"notify_forget_links",
                        "DELETE FROM notify_message_event WHERE job_no = $1"},
    [Q_FORGET_MESSAGES] = {"notify_forget_messages",
                           "DELETE FROM notify_message WHERE job_no = $1"},
    [Q_FORGET_EVENTS] = {"notify_forget_events", "DELETE FROM notify_event WHERE job_no = $1"},
};
const size_t notify_query_count = ARRAY_LEN(notify_queries);
