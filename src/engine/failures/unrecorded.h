/* A process that is killed may have created accounts without a record of it. While their people are
 * in scope the cycle that goes on asks for them before it creates (promise 2). Of those who leave
 * before it does, nobody would know: what has changed since the run began that was cut short is
 * gone over once, and for whoever has no account and is in scope no more the target is asked by the
 * matching attributes.
 *
 * An account that matches is taken for one of ours, connected, and removed like any other only when
 * that is certain: it is not older than the run that was cut short, as far as the target says when
 * it was created, and it has the externalId that we would have given it. Where we give none, the
 * time has to be known. Of an account that is not older and not certain the log has a warning, and
 * nothing is done.
 *
 * Not found: people who are gone from the directory for good, and those whose matching values have
 * changed as well. */
#pragma once

#include "engine/cycle/run.h"

/* Behind the lease, before the phases of a cycle; costs one query when no run was cut short. What
 * could not be asked stays to be asked by the next cycle. */
MUST_USE bool unrecorded_look(struct run *r, struct err *err);
