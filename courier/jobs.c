/* jobs.c - what a courier does, in this order. */
#include "courier.h"

const struct job courier_jobs[] = {
	{"sweep", sweep_run},
	{"seal", seal_run},
	{"digest", digest_run},
	{"rotate", rotate_run},
	{"haproxy_map", haproxy_map_run},
	{0},
};
