#include "db/driver.h"

static bool pg_open(const struct db_config *config, struct db **out, struct err *err)
{
    (void)config;
    (void)out;
    return err_set(err, ERR_UNAVAILABLE, "unknownDatabase", "PostgreSQL is not supported yet");
}

const struct db_driver db_pg = {.kind = "postgresql", .open = pg_open};
