/* haproxy_map.h - the file and the running HAProxy, by which haproxy_map_job.c makes known which credentials are good.
 *
 * A map has one line an entry: KEY, a blank, VALUE, a line feed. Keys and values hold no blank. */
#ifndef DIALTONE_HAPROXY_MAP_H
#define DIALTONE_HAPROXY_MAP_H

#include "buf.h"
#include "error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Write a map's file anew, atomically, mode 0600: a program that reads it sees the old one or the new one. Where we are root it is given to the owner of `like`, the admin
 * socket, for a HAProxy that does not start as root; NULL or "", or nothing there: it is ours. *written_r tells the file apart from others that might take its place. */
enum error_code haproxy_map_write(const char *path, const char *like, const struct buf *lines, struct stat *written_r, struct error *error);
/* Is the file at `path` still that one? */
bool haproxy_map_is(const char *path, const struct stat *written);

/* What the HAProxy behind an admin socket holds of a map, told apart by HAProxy's own version number and count: after a reload it begins again at version 0 with what it read from the file. */
struct haproxy_map_state {
	long long version, entries;
};
/* The map is named by the path of its file, as in HAProxy's configuration. ERROR_UNKNOWN where that HAProxy has no such map; ERROR_SYSTEM where it does not answer. */
enum error_code haproxy_map_look(const char *socket, const char *path, struct haproxy_map_state *state_r, struct error *error);
/* Replace all of it at once: requests see the old entries until the last of the new ones is there. */
enum error_code haproxy_map_replace(const char *socket, const char *path, const struct buf *lines, struct haproxy_map_state *state_r, struct error *error);

#endif
