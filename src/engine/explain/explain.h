/* Why somebody has an account, or none (engine.md 23): one answer from configuration versions,
 * state cache and journal. The target is not asked and nothing is written. */
#pragma once

#include "engine/engine.h"

/* *out, in a, is one JSON object:
 *
 *   answer      one sentence for people
 *   at          the time asked about, or null for now
 *   job         name, state, configuration {version, since}, quarantine
 *   who         id, kind, name
 *   source      from: "directory", "journal" or "nothing"; asOf; what it says
 *   scope       inScope, reason, tests [{test, holds, value}], clauses [{group, text, holds,
 * value}] connection  the account, or null matching    criteria [[{attribute, value}]], tried
 * [{time, status, text}] mappings    [{target, source, inputs, outcome, value, error, lastSent}]
 *   next        what the next cycle would do: action, changes, code, message
 *   log         the newest records first: time, cycle, action, status, code, message, changes
 *   retry       the parked failure with when it is next tried, or null
 *   holds       [{kind, text}]: what keeps cycles from acting
 *   notes       what could not be known
 *
 * who: an id on either side, userPrincipalName, mail, employeeId or name. at_us 0: now; else by the
 * configuration of that time and the records until then. ERR_NOT_FOUND, ERR_CONFLICT
 * "ambiguousName". */
MUST_USE bool engine_explain(const struct engine *e, int64_t job_no, struct str who, int64_t at_us,
                             struct arena *a, struct json **out, struct err *err);
