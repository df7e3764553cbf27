#include "run.h"

struct run run_line(const char *data_dir, const char *line)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct clock_fixed clock;
    struct rng_seeded rng;
    struct run r = {0};
    size_t out_size;
    size_t err_size;
    struct cli c = {.data_dir = data_dir};
    struct str rest = str_from_z(line);
    char *argv[32] = {arena_z(a, STR("usher"))};
    int argc = 1;
    bool more = rest.len > 0;

    clock_fixed_init(&clock, INT64_C(1772323200) * US_PER_SECOND);
    rng_seeded_init(&rng, 7);
    c.clock = &clock.clock;
    c.rng = &rng.rng;
    c.out = open_memstream(&r.out, &out_size);
    c.err = open_memstream(&r.err, &err_size);
    while (more) {
        struct str word;

        more = str_cut(&rest, ' ', &word);
        argv[argc++] = arena_z(a, word);
    }
    r.code = cli_run(&c, argc, argv);
    fclose(c.out);
    fclose(c.err);
    return r;
}

void run_done(struct run *r)
{
    free(r->out);
    free(r->err);
}

bool run_says(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}
