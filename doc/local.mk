# Written by m4/data-files.sh: manual pages are installed, guides go into the tarball.
dist_man_MANS += \
	doc/dialtone-courier.8 \
	doc/dialtone-fcgi.8 \
	doc/dialtone-template.7 \
	doc/dialtone.1 \
	doc/dialtone.conf.5
EXTRA_DIST += \
	doc/architecture.md \
	doc/dba-guide.md \
	doc/measurements.md \
	doc/security.md \
	doc/vendors.md
