# What a configuration is: one convenience library for every program, unit test and fuzz target.
noinst_LIBRARIES += core/libcore.a
core_libcore_a_SOURCES = \
	core/arena.c core/arena.h \
	core/buf.c core/buf.h \
	core/cache.c core/cache.h \
	core/certificate.c core/certificate.h \
	core/catalogue.c core/catalogue.h core/catalogue-private.h core/vendor.c core/vendor-maps.c \
	core/clock.h \
	core/conf.c core/conf.h \
	core/copy.h \
	core/credential.c core/credential.h \
	core/db.c core/db.h \
	core/dialplan.c core/dialplan.h \
	core/device.c core/device.h core/device-private.h core/device-rows.c core/device-sql.c \
	core/encrypt.c core/encrypt.h \
	core/error.c core/error.h \
	core/fingerprint.c core/fingerprint.h \
	core/ha1.c core/ha1.h \
	core/identify.c core/identify.h \
	core/ini.c core/ini.h \
	core/keyring.c core/keyring.h \
	core/layer.c core/layer.h \
	core/log.c core/log.h \
	core/hex.h \
	core/mac.c core/mac.h \
	core/network.c core/network.h \
	core/notify.c core/notify.h \
	core/number.c core/number.h \
	core/pack.c core/pack.h \
	core/privacy.c core/privacy.h \
	core/render.c core/render.h core/render-private.h core/render-text.c core/render-raw.c core/render-check.c \
	core/seal.c core/seal.h \
	core/secret.c core/secret.h \
	core/setting.c core/setting.h \
	core/signals.c core/signals.h \
	core/stack.c core/stack.h \
	core/strmap.c core/strmap.h \
	core/suggest.c core/suggest.h \
	core/template.c core/template.h core/template-private.h core/template-names.c core/template-assign.c core/template-parse.c core/template-parser.h core/template-print.c \
	core/timezone.c core/timezone.h \
	core/token.c core/token.h \
	core/writer.c core/writer.h core/writer-flat.c core/writer-fanvil-text.c core/writer-nested-xml.c core/writer-private.h \
	core/writer-xml.c core/writer-xml.h core/writer-elements.c core/writer-elements.h core/writer-snom-xml.c core/writer-lpconfig.c \
	core/writer-grandstream.c \
	core/wipe.h \
	core/xalloc.c core/xalloc.h
CORE_LIBS = core/libcore.a $(INIPARSER_LIBS) $(OPENSSL_LIBS) $(MYSQL_LIBS) $(SYSTEMD_LIBS)
