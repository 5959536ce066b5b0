/* inbox.h - datagrams on their way from the journal's socket into the spool, in memory that outlives the journal process.
 *
 * Between the system call that takes them off the socket and the spool they would be nowhere: a process killed there would lose up to 64 fetches that nobody counted. The
 * kernel writes each datagram and its length straight into this memory, and the next process begins with what it finds. */
#ifndef DIALTONE_INBOX_H
#define DIALTONE_INBOX_H

#include <stddef.h>

struct inbox;

/* Made by the master before the first fork; NULL if there is no memory. */
struct inbox *inbox_new(void);
void inbox_free(struct inbox **inbox);

/* Hand every datagram of `socket` to `put`, until there is none; before that, what a killed process had taken and perhaps not yet put: a datagram may come twice.
 * One process at a time, one thread of it. */
void inbox_empty(struct inbox *inbox, int socket, void (*put)(void *context, const unsigned char *bytes, size_t size), void *context);

#endif
