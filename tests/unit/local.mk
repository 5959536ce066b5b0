# Unit tests: one check program each. One alone: make tests/unit/test_ini && srcdir=. CK_FORK=no tests/unit/test_ini
UNIT_TESTS = \
	tests/unit/test_mac \
	tests/unit/test_number \
	tests/unit/test_network \
	tests/unit/test_ini \
	tests/unit/test_conf \
	tests/unit/test_log \
	tests/unit/test_setting \
	tests/unit/test_timezone \
	tests/unit/test_catalogue \
	tests/unit/test_identify \
	tests/unit/test_certificate \
	tests/unit/test_template \
	tests/unit/test_stack \
	tests/unit/test_render \
	tests/unit/test_render_values \
	tests/unit/test_writer \
	tests/unit/test_writer_xml \
	tests/unit/test_token \
	tests/unit/test_fingerprint \
	tests/unit/test_ha1 \
	tests/unit/test_encrypt \
	tests/unit/test_encrypt_rsa \
	tests/unit/test_cache \
	tests/unit/test_pack \
	tests/unit/test_seal \
	tests/unit/test_request \
	tests/unit/test_identity \
	tests/unit/test_replay \
	tests/unit/test_digest \
	tests/unit/test_access \
	tests/unit/test_proofs \
	tests/unit/test_record \
	tests/unit/test_spool

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
EXTRA_DIST += tests/unit/user-agents.tsv

# of core/
UNIT_LIBS = $(CORE_LIBS) $(CHECK_LIBS)
UNIT_DEFINES = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
# of fcgi-app/
UNIT_APP_LIBS = fcgi-app/libfcgiapp.a $(CORE_LIBS) $(FCGI_LIBS) $(SYSTEMD_LIBS) $(CHECK_LIBS)
UNIT_APP_DEFINES = $(UNIT_DEFINES) -I$(srcdir)/fcgi-app

tests_unit_test_mac_SOURCES = tests/unit/test_mac.c tests/unit/unit.h
tests_unit_test_mac_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_mac_LDADD = $(UNIT_LIBS)
tests_unit_test_number_SOURCES = tests/unit/test_number.c tests/unit/unit.h
tests_unit_test_number_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_number_LDADD = $(UNIT_LIBS)
tests_unit_test_ini_SOURCES = tests/unit/test_ini.c tests/unit/unit.h
tests_unit_test_ini_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_ini_LDADD = $(UNIT_LIBS)
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c tests/unit/unit.h
tests_unit_test_conf_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_conf_LDADD = $(UNIT_LIBS)
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/unit.h
tests_unit_test_log_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_log_LDADD = $(UNIT_LIBS)
tests_unit_test_setting_SOURCES = tests/unit/test_setting.c tests/unit/unit.h
tests_unit_test_setting_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_setting_LDADD = $(UNIT_LIBS)
tests_unit_test_timezone_SOURCES = tests/unit/test_timezone.c tests/unit/unit.h
tests_unit_test_timezone_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_timezone_LDADD = $(UNIT_LIBS)
tests_unit_test_catalogue_SOURCES = tests/unit/test_catalogue.c tests/unit/unit.h
tests_unit_test_catalogue_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_catalogue_LDADD = $(UNIT_LIBS)
tests_unit_test_identify_SOURCES = tests/unit/test_identify.c tests/unit/unit.h
tests_unit_test_identify_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_identify_LDADD = $(UNIT_LIBS)
tests_unit_test_template_SOURCES = tests/unit/test_template.c tests/unit/unit.h tests/unit/small.h
tests_unit_test_template_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_template_LDADD = $(UNIT_LIBS)
tests_unit_test_stack_SOURCES = tests/unit/test_stack.c tests/unit/unit.h tests/unit/small.h
tests_unit_test_stack_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_stack_LDADD = $(UNIT_LIBS)
tests_unit_test_render_SOURCES = tests/unit/test_render.c tests/unit/unit.h tests/unit/small.h tests/unit/rendered.h
tests_unit_test_render_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_render_LDADD = $(UNIT_LIBS)
tests_unit_test_render_values_SOURCES = tests/unit/test_render_values.c tests/unit/unit.h tests/unit/small.h tests/unit/rendered.h
tests_unit_test_render_values_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_render_values_LDADD = $(UNIT_LIBS)
tests_unit_test_writer_SOURCES = tests/unit/test_writer.c tests/unit/unit.h
tests_unit_test_writer_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_writer_LDADD = $(UNIT_LIBS)
tests_unit_test_writer_xml_SOURCES = tests/unit/test_writer_xml.c tests/unit/unit.h
tests_unit_test_writer_xml_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_writer_xml_LDADD = $(UNIT_LIBS)
tests_unit_test_token_SOURCES = tests/unit/test_token.c tests/unit/unit.h
tests_unit_test_token_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_token_LDADD = $(UNIT_LIBS)
tests_unit_test_fingerprint_SOURCES = tests/unit/test_fingerprint.c tests/unit/unit.h
tests_unit_test_fingerprint_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_fingerprint_LDADD = $(UNIT_LIBS)
tests_unit_test_ha1_SOURCES = tests/unit/test_ha1.c tests/unit/unit.h
tests_unit_test_ha1_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_ha1_LDADD = $(UNIT_LIBS)
tests_unit_test_encrypt_SOURCES = tests/unit/test_encrypt.c tests/unit/encrypting.h tests/unit/unit.h
tests_unit_test_encrypt_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_encrypt_LDADD = $(UNIT_LIBS)

tests_unit_test_encrypt_rsa_SOURCES = tests/unit/test_encrypt_rsa.c tests/unit/encrypting.h tests/unit/unit.h
tests_unit_test_encrypt_rsa_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_encrypt_rsa_LDADD = $(UNIT_LIBS)
tests_unit_test_pack_SOURCES = tests/unit/test_pack.c tests/unit/unit.h
tests_unit_test_pack_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_pack_LDADD = $(UNIT_LIBS)
tests_unit_test_seal_SOURCES = tests/unit/test_seal.c tests/unit/unit.h
tests_unit_test_seal_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_seal_LDADD = $(UNIT_LIBS)
tests_unit_test_cache_SOURCES = tests/unit/test_cache.c tests/unit/unit.h
tests_unit_test_cache_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_cache_LDADD = $(UNIT_LIBS)
tests_unit_test_request_SOURCES = tests/unit/test_request.c tests/unit/unit.h
tests_unit_test_request_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_request_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_access_SOURCES = tests/unit/test_access.c tests/unit/store_double.h tests/unit/unit.h
tests_unit_test_access_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_access_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_record_SOURCES = tests/unit/test_record.c tests/unit/unit.h
tests_unit_test_record_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_record_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_spool_SOURCES = tests/unit/test_spool.c tests/unit/unit.h
tests_unit_test_spool_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_spool_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_network_SOURCES = tests/unit/test_network.c tests/unit/unit.h
tests_unit_test_network_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_network_LDADD = $(UNIT_LIBS)
tests_unit_test_certificate_SOURCES = tests/unit/test_certificate.c tests/unit/unit.h
tests_unit_test_certificate_CPPFLAGS = $(UNIT_DEFINES)
tests_unit_test_certificate_LDADD = $(UNIT_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c tests/unit/unit.h
tests_unit_test_digest_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_digest_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_replay_SOURCES = tests/unit/test_replay.c tests/unit/unit.h
tests_unit_test_replay_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_replay_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_identity_SOURCES = tests/unit/test_identity.c tests/unit/unit.h
tests_unit_test_identity_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_identity_LDADD = $(UNIT_APP_LIBS)
tests_unit_test_proofs_SOURCES = tests/unit/test_proofs.c tests/unit/store_double.h tests/unit/unit.h
tests_unit_test_proofs_CPPFLAGS = $(UNIT_APP_DEFINES)
tests_unit_test_proofs_LDADD = $(UNIT_APP_LIBS)
