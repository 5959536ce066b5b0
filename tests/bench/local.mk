# Programs of the benchmarks; `make bench` builds them, tests/bench/bench.py and tests/bench/instructions run them.
EXTRA_PROGRAMS = tests/bench/storm tests/bench/minimal tests/bench/hello

tests_bench_storm_SOURCES = tests/bench/storm.c tests/bench/storm.h tests/bench/storm-crowd.c tests/bench/storm-wire.c
tests_bench_storm_LDADD = core/libcore.a -lssl $(OPENSSL_LIBS) -lpthread

tests_bench_minimal_SOURCES = tests/bench/minimal.c tests/bench/pool.h
tests_bench_minimal_LDADD = $(CORE_LIBS) $(FCGI_LIBS)

tests_bench_hello_SOURCES = tests/bench/hello.c tests/bench/pool.h
tests_bench_hello_LDADD = core/libcore.a $(FCGI_LIBS) $(OPENSSL_LIBS)

CLEANFILES += $(EXTRA_PROGRAMS)
EXTRA_DIST += tests/bench/bench.py tests/bench/measure.py tests/bench/population.py tests/bench/instructions

.PHONY: bench-programs bench bench-full
bench-programs: $(EXTRA_PROGRAMS)
bench: all bench-programs
	DIALTONE_BUILD=$(abs_builddir) $(PYTHON3) $(srcdir)/tests/bench/bench.py --quick
	DIALTONE_BUILD=$(abs_builddir) $(srcdir)/tests/bench/instructions
bench-full: all bench-programs
	DIALTONE_BUILD=$(abs_builddir) $(PYTHON3) $(srcdir)/tests/bench/bench.py --full
