/* replay.h: a use counts once, in all processes that share the table; another at its place takes the place. */
#include "replay.h"

#include "unit.h"

#include <sys/wait.h>

START_TEST(test_once)
{
	struct replay *replay = replay_new();
	ck_assert_ptr_nonnull(replay);
	for (uint64_t use = 0; use < 1000; use++)
		ck_assert(replay_first(replay, use * 0x9e3779b97f4a7c15u));
	for (uint64_t use = 0; use < 1000; use++)
		ck_assert_msg(!replay_first(replay, use * 0x9e3779b97f4a7c15u), "%lu", (unsigned long)use);
	replay_free(&replay);
	ck_assert_ptr_null(replay);
	replay_free(&replay);
}
END_TEST

/* 0 is a use like another, and not what an empty place holds. */
START_TEST(test_zero)
{
	struct replay *replay = replay_new();
	ck_assert(replay_first(replay, 0));
	ck_assert(!replay_first(replay, 0));
	replay_free(&replay);
}
END_TEST

START_TEST(test_overwriting)
{
	struct replay *replay = replay_new();
	uint64_t use = 4711, other = 4711 + REPLAY_PLACES, elsewhere = 4712;
	ck_assert(replay_first(replay, use));
	ck_assert(replay_first(replay, elsewhere));
	ck_assert(replay_first(replay, other)); /* at the same place */
	ck_assert(!replay_first(replay, other));
	ck_assert(replay_first(replay, use));   /* forgotten */
	ck_assert(!replay_first(replay, elsewhere));
	replay_free(&replay);
}
END_TEST

/* Two processes with the same uses: each use is the first for exactly one of them. */
START_TEST(test_two_processes)
{
	enum { USES = 20000 };
	struct replay *replay = replay_new();
	int firsts[2], go[2];
	unsigned long total = 0, one;
	ck_assert(pipe(firsts) == 0 && pipe(go) == 0);
	for (int child = 0; child < 2; child++) {
		pid_t pid = fork();
		ck_assert(pid >= 0);
		if (pid)
			continue;
		char byte;
		unsigned long first = 0;
		close(go[1]);
		if (read(go[0], &byte, 1) != 0) /* both begin when the parent closes it */
			_exit(1);
		for (uint64_t i = 0; i < USES; i++)
			first += replay_first(replay, i * 3);
		_exit(write(firsts[1], &first, sizeof first) == sizeof first ? 0 : 1);
	}
	close(go[0]);
	close(go[1]);
	for (int child = 0; child < 2; child++) {
		int status;
		ck_assert(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
		ck_assert(read(firsts[0], &one, sizeof one) == sizeof one);
		total += one;
	}
	ck_assert_uint_eq(total, USES);
	/* and the parent sees what its children took down */
	ck_assert(!replay_first(replay, 3));
	replay_free(&replay);
}
END_TEST

UNIT_MAIN("replay", {test_once, 0}, {test_zero, 0}, {test_overwriting, 0}, {test_two_processes, 0})
