# fcgi-app: all but main.c in a library, which unit tests and fuzz targets link too
noinst_LIBRARIES += fcgi-app/libfcgiapp.a
fcgi_app_libfcgiapp_a_SOURCES = \
	fcgi-app/access.c fcgi-app/access.h \
	fcgi-app/batch.c fcgi-app/batch.h \
	fcgi-app/common.c fcgi-app/common.h \
	fcgi-app/digest.c fcgi-app/digest.h \
	fcgi-app/replay.c fcgi-app/replay.h \
	fcgi-app/identity.c fcgi-app/identity.h \
	fcgi-app/drop.c fcgi-app/drop.h \
	fcgi-app/fetch.c fcgi-app/fetch.h \
	fcgi-app/health.c fcgi-app/health.h \
	fcgi-app/hops.c fcgi-app/hops.h \
	fcgi-app/journal.c fcgi-app/journal.h \
	fcgi-app/listen.c fcgi-app/listen.h \
	fcgi-app/master.c fcgi-app/master.h \
	fcgi-app/pool.c fcgi-app/pool.h \
	fcgi-app/process.c fcgi-app/process.h \
	fcgi-app/record.c fcgi-app/record.h \
	fcgi-app/request.c fcgi-app/request.h \
	fcgi-app/respond.c fcgi-app/respond.h \
	fcgi-app/result.c fcgi-app/result.h \
	fcgi-app/scoreboard.c fcgi-app/scoreboard.h \
	fcgi-app/service.c fcgi-app/service.h \
	fcgi-app/inbox.c fcgi-app/inbox.h \
	fcgi-app/spool.c fcgi-app/spool.h \
	fcgi-app/throttle.c fcgi-app/throttle.h \
	fcgi-app/worker.c fcgi-app/worker.h

sbin_PROGRAMS += dialtone-fcgi
dialtone_fcgi_SOURCES = fcgi-app/main.c
dialtone_fcgi_LDADD = fcgi-app/libfcgiapp.a $(CORE_LIBS) $(FCGI_LIBS) $(SYSTEMD_LIBS)
