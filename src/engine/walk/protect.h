/* Protected accounts (engine.md 8): those that an administrator has listed by their id in the
 * target or by a matching value (protected.accounts), and those of which the target says what
 * protected.filter asks. They are never written, by no kind of run: Skipped / Protected. The list
 * is known beforehand and decides in the plan; the filter is the target's to judge, so an account
 * is read before it is written. */
#pragma once

#include "engine/walk/walk.h"

struct run;

/* Takes the list from the run's settings. */
void protect_open(struct run *r);
/* The list: skips a walk that would write a protected account. Pure. */
void station_protect(struct walk *w, const struct walk_job *j);
/* The account as it was just read: skips the walk when the list or the filter protects it. */
bool protect_account(struct walk *w, const struct target_record *record);
/* Whether accounts have to be read because of the filter. */
bool protect_asks(const struct walk *w);
/* Of the second pass: calls then(w), after reading the account where the filter asks for it; a
 * protected one ends the walk instead, without a word: the first pass has told. */
void protect_then(struct walk *w, void (*then)(struct walk *w));
