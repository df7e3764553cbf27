/* All SQL of this folder. */
#pragma once

#include "db/db.h"

enum { NOTIFY_BATCH_MAX = 100 }; /* events that a message tells at most */

enum notify_query {
    Q_EVENT,
    Q_EVENT_KNOWN,
    Q_JOIN,
    Q_MESSAGE,
    Q_LINK,
    Q_MARK_LOAD,
    Q_MARK_SAVE,
    Q_MARK_REMOVE,
    Q_DUE,
    Q_CLAIM,
    Q_PARTS,
    Q_FINISH,
    Q_RETRY_ALL,
    Q_LIST,
    Q_BACKLOG,
    Q_BACKLOG_ERROR,
    Q_TIDY_LINKS,
    Q_TIDY_MESSAGES,
    Q_TIDY_EVENTS,
    Q_TIDY_UNSENT,
    Q_OPEN,
    Q_OPEN_HOLD,
    Q_UPDATE,
    Q_FORGET_LINKS,
    Q_FORGET_MESSAGES,
    Q_FORGET_EVENTS,
};

extern const struct db_query notify_queries[];
extern const size_t notify_query_count;

static inline const struct db_query *notify_query(enum notify_query q)
{
    return &notify_queries[q];
}
