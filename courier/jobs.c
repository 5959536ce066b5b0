/* jobs.c - what a courier does, in this order. */
#include "courier.h"

const struct job courier_jobs[] = {
	{"seal", seal_run},
	{0},
};
