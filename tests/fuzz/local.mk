# Fuzz targets. Without a fuzzer engine each runs over its corpus in make check; ./configure --enable-fuzzer CC=clang links libFuzzer, and
#   tests/fuzz/fuzz_NAME -max_total_time=60 NEW-CORPUS-FOLDER $(srcdir)/tests/fuzz/corpus/NAME
FUZZ_DEFINES = $(AM_CPPFLAGS) -I$(srcdir)/tests/fuzz

FUZZ_TARGETS = tests/fuzz/fuzz_identify tests/fuzz/fuzz_ini tests/fuzz/fuzz_template tests/fuzz/fuzz_request tests/fuzz/fuzz_authorization \
	tests/fuzz/fuzz_certificate tests/fuzz/fuzz_pem tests/fuzz/fuzz_address

if FUZZER
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_CHECKS =
else
FUZZ_MAIN = tests/fuzz/main.c
FUZZ_LINK = $(AM_LDFLAGS)
FUZZ_CHECKS = $(FUZZ_TARGETS)
endif

check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_CHECKS)

tests_fuzz_fuzz_identify_SOURCES = tests/fuzz/fuzz_identify.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_identify_CPPFLAGS = $(FUZZ_DEFINES) -DFUZZ_TARGET='"identify"'
tests_fuzz_fuzz_identify_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_identify_LDADD = $(CORE_LIBS)

tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz_ini.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_ini_CPPFLAGS = $(FUZZ_DEFINES) -DFUZZ_TARGET='"ini"'
tests_fuzz_fuzz_ini_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ini_LDADD = $(CORE_LIBS)

tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_template_CPPFLAGS = $(FUZZ_DEFINES) -I$(srcdir)/tests/unit -DFUZZ_TARGET='"template"'
tests_fuzz_fuzz_template_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_template_LDADD = $(CORE_LIBS)

tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_request_CPPFLAGS = $(FUZZ_DEFINES) -I$(srcdir)/fcgi-app -DFUZZ_TARGET='"request"'
tests_fuzz_fuzz_request_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_request_LDADD = fcgi-app/libfcgiapp.a $(CORE_LIBS) $(FCGI_LIBS) $(SYSTEMD_LIBS)

tests_fuzz_fuzz_authorization_SOURCES = tests/fuzz/fuzz_authorization.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_authorization_CPPFLAGS = $(FUZZ_DEFINES) -I$(srcdir)/fcgi-app -DFUZZ_TARGET='"authorization"'
tests_fuzz_fuzz_authorization_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_authorization_LDADD = fcgi-app/libfcgiapp.a $(CORE_LIBS) $(FCGI_LIBS) $(SYSTEMD_LIBS)

tests_fuzz_fuzz_certificate_SOURCES = tests/fuzz/fuzz_certificate.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_certificate_CPPFLAGS = $(FUZZ_DEFINES) -DFUZZ_TARGET='"certificate"'
tests_fuzz_fuzz_certificate_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_certificate_LDADD = $(CORE_LIBS)

tests_fuzz_fuzz_pem_SOURCES = tests/fuzz/fuzz_pem.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_pem_CPPFLAGS = $(FUZZ_DEFINES) -I$(srcdir)/fcgi-app -DFUZZ_TARGET='"pem"'
tests_fuzz_fuzz_pem_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_pem_LDADD = fcgi-app/libfcgiapp.a $(CORE_LIBS) $(FCGI_LIBS) $(SYSTEMD_LIBS)

tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_address_CPPFLAGS = $(FUZZ_DEFINES) -I$(srcdir)/fcgi-app -DFUZZ_TARGET='"address"'
tests_fuzz_fuzz_address_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_address_LDADD = fcgi-app/libfcgiapp.a $(CORE_LIBS) $(FCGI_LIBS) $(SYSTEMD_LIBS)

EXTRA_DIST += tests/fuzz/corpus
