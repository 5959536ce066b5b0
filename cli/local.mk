# The operator's command.
bin_PROGRAMS += dialtone
dialtone_SOURCES = \
	cli/arguments.c cli/cli.h \
	cli/audit.c \
	cli/check.c \
	cli/conf_verb.c \
	cli/context.c \
	cli/credentials.c \
	cli/db_check.c \
	cli/db_check_grants.c cli/db_check.h cli/db_check_objects.c cli/db_check_rows.c \
	cli/db_init.c \
	cli/db_load.c cli/db_load.h \
	cli/db_upgrade.c \
	cli/delivery.c cli/delivery.h \
	cli/dictionary_sync.c cli/dictionary_sync.h \
	cli/explain.c cli/explain.h cli/explain_print.c \
	cli/fleet.c cli/fleet.h \
	cli/identify_verb.c \
	cli/keys.c \
	cli/lag.c \
	cli/main.c \
	cli/migration.c cli/migration.h \
	cli/output.c cli/output.h \
	cli/password.c cli/password.h \
	cli/plain_password.c cli/plain_password.h \
	cli/phone.c cli/phone.h \
	cli/render_verb.c \
	cli/rotate.c \
	cli/secret.c cli/secret_rewrap.c \
	cli/sql_script.c cli/sql_script.h \
	cli/synthetic.c cli/synthetic.h \
	cli/verbs.h \
	cli/version.c \
	cli/story.c cli/story.h \
	cli/why.c \
	cli/why_neighbours.c cli/why_neighbours.h
dialtone_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
dialtone_LDADD = $(CORE_LIBS) $(JANSSON_LIBS)
