# Written by m4/data-files.sh: what is installed as pkgdatadir/db.
nobase_dist_pkgdata_DATA += \
	db/grants.sql \
	db/migrations/0001-tables.sql \
	db/migrations/0002-routines.sql \
	db/migrations/0003-triggers.sql \
	db/migrations/0004-views.sql \
	db/migrations/0005-procedures.sql \
	db/migrations/0006-tenant-scope.sql \
	db/migrations/0007-secrets.sql \
	db/migrations/0008-identity.sql \
	db/migrations/0009-audit.sql \
	db/migrations/0010-rotation.sql \
	db/sample.sql
