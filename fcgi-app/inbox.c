#include "inbox.h"

#include "record.h"

#include <assert.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define RECEIVE 64 /* datagrams a system call */

struct inbox {
	struct mmsghdr messages[RECEIVE]; /* msg_len 0: nothing there, or put already */
	struct iovec parts[RECEIVE];
	unsigned char bytes[RECEIVE][PACK_RECORD_MAX]; /* what is never touched takes no memory */
};
static_assert(PACK_RECORD_MAX >= RECORD_MAX, "both kinds fit");

struct inbox *inbox_new(void)
{
	struct inbox *inbox = mmap(NULL, sizeof *inbox, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (inbox == MAP_FAILED)
		return NULL;
	for (int i = 0; i < RECEIVE; i++) {
		inbox->parts[i] = (struct iovec){inbox->bytes[i], PACK_RECORD_MAX};
		inbox->messages[i].msg_hdr = (struct msghdr){.msg_iov = &inbox->parts[i], .msg_iovlen = 1};
	}
	return inbox;
}

void inbox_free(struct inbox **inbox)
{
	if (*inbox)
		munmap(*inbox, sizeof **inbox);
	*inbox = NULL;
}

/* A datagram's length is taken back only after it was put, so that it is never nowhere. */
static void put_all(struct inbox *inbox, void (*put)(void *context, const unsigned char *bytes, size_t size), void *context)
{
	for (int i = 0; i < RECEIVE; i++) {
		volatile unsigned *length = &inbox->messages[i].msg_len;
		if (*length)
			put(context, inbox->bytes[i], *length);
		*length = 0;
	}
}

void inbox_empty(struct inbox *inbox, int socket, void (*put)(void *context, const unsigned char *bytes, size_t size), void *context)
{
	int count;
	put_all(inbox, put, context);
	do {
		count = recvmmsg(socket, inbox->messages, RECEIVE, MSG_DONTWAIT, NULL);
		put_all(inbox, put, context);
	} while (count == RECEIVE);
}
