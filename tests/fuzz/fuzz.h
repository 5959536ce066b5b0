/* fuzz.h - what a fuzz target defines, and what several need. */
#ifndef DIALTONE_FUZZ_H
#define DIALTONE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Run the code under test over these bytes; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A broken promise, also where asserts are compiled out. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : abort())

#endif
