/* Runs a command line as main() would, and keeps what it printed. */
#pragma once

#include "cli/cli.h"
#include "frame/frame.h"

struct run {
    int code;
    char *out;
    char *err;
};

/* The words are split at blanks; data_dir may be NULL. Ends with run_done. */
struct run run_line(const char *data_dir, const char *line);
void run_done(struct run *r);
bool run_says(const char *text, const char *part);
