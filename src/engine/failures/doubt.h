/* A creation whose answer was lost may have been done. While its object is in scope, its retry asks
 * for the account before it creates (promise 2); one that has left scope since would be passed
 * over, and the account stay for ever: it is asked for once more, and connected when it is there.
 */
#pragma once

#include "engine/cycle/run.h"
#include "job/retry.h"

/* The values by which the account can be found, as they are kept in the retry queue. */
struct str doubt_text(const struct walk *w);
/* Of an object for which nothing is to be done: whether an account is asked for; then the walk is
 * finished later, from target_run. */
bool doubt_look(struct walk *w);
/* The account is the object's: the walk ends with it, and is recorded. why: for people, static. */
void doubt_connect(struct walk *w, const struct target_record *record, const char *why);
/* The account that was found is connected and waits for its removal: in the recorder's transaction.
 */
MUST_USE bool doubt_record(struct db *db, const struct run *r, const struct walk *w,
                           struct err *err);
