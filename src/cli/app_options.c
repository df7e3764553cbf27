/* Options that describe an application. */
#include "base/unicode.h"
#include "cli/app.h"
#include "notify/address.h"

#include <string.h>

static bool check_url(const char *url, struct err *err)
{
    if (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0)
        return true;
    return err_set(err, ERR_INVALID, "badUrl",
                   "'%s' is no tenant URL: it has to begin with https:// (http:// only to this "
                   "machine)",
                   url);
}

static bool check_name(const char *name, struct err *err)
{
    struct str text = str_trim(str_from_z(name));

    if (!text.len)
        return err_set(err, ERR_INVALID, "usage", "--name must not be empty");
    if (text.len != strlen(name))
        return err_set(err, ERR_INVALID, "usage", "--name must not begin or end with a blank");
    if (!utf8_valid(text, NULL) || utf8_length(text) > JOB_NAME_MAX) {
        return err_set(err, ERR_INVALID, "usage", "--name takes at most %d characters of UTF-8",
                       JOB_NAME_MAX);
    }
    return true;
}

bool cli_app_options(const struct cli_args *args, struct job *job, struct err *err)
{
    const char *name = cli_value(args, "--name");
    const char *url = cli_value(args, "--url");
    const char *scope = cli_value(args, "--scope");
    const char *interval = cli_value(args, "--interval");
    const char *mail = cli_value(args, "--notification-mail");

    if ((name && !check_name(name, err)) || (url && !check_url(url, err)))
        return false;
    if (name)
        job->name = str_from_z(name);
    if (url)
        job->base_url = str_from_z(url);
    if (scope && !job_scope_from_name(str_from_z(scope), &job->scope))
        return err_set(err, ERR_INVALID, "usage", "--scope is assigned or all, not '%s'", scope);
    if (interval && (!duration_parse(str_from_z(interval), &job->interval_us) ||
                     job->interval_us < JOB_INTERVAL_MIN_US)) {
        return err_set(err, ERR_INVALID, "usage",
                       "--interval is a duration of a minute or more such as PT40M, not '%s'",
                       interval);
    }
    if (mail) {
        if (!notify_addresses_check(str_from_z(mail), err))
            return err_wrap(err, "--notification-mail");
        job->notification_mail = str_trim(str_from_z(mail));
    }
    return true;
}
