# The daemon that carries what the database holds to where it must go.
sbin_PROGRAMS += dialtone-courier
dialtone_courier_SOURCES = \
	courier/context.c courier/courier.h \
	courier/digest_job.c \
	courier/haproxy_map.h courier/haproxy_map_file.c courier/haproxy_map_job.c courier/haproxy_map_runtime.c \
	courier/jobs.c \
	courier/main.c \
	courier/outbox.c courier/outbox.h \
	courier/rotate.h courier/rotate_job.c \
	courier/rotate_make.c \
	courier/rotate_secret.c \
	courier/rotate_watch.c \
	courier/run.c \
	courier/seal_job.c \
	courier/sweep_job.c
dialtone_courier_LDADD = $(CORE_LIBS)
