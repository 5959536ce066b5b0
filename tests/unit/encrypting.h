/* encrypting.h - what the tests of encrypted files share: an encrypter, and the buffer that a file is encrypted in, behind bytes that are not its own. */
#ifndef DIALTONE_ENCRYPTING_H
#define DIALTONE_ENCRYPTING_H

#include "encrypt.h"

/* What stands in `out` before the file, and stays. */
#define BEFORE "before"

static struct encrypter *encrypter;
static struct buf out;

static void begin(void)
{
	encrypter = encrypter_new();
	buf_init(&out, 1 << 20);
}

static void end(void)
{
	encrypter_free(&encrypter);
	buf_deinit(&out);
}

#endif
